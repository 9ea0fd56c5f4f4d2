import type { ChatCluster } from "../crd/definition.ts";
import { hashOf } from "../kube/hash.ts";
import type { User } from "./keys.ts";
import { USERS, credentialsOf } from "./keys.ts";
import type { Backend } from "./names.ts";
import { clusterNameOf } from "./names.ts";
import { natsPermissions } from "./nats-permissions.ts";
import type { DesiredInput } from "./desired-input.ts";

/** The users of a backend in this ChatCluster: none for a component that it does not have. */
export const usersIn = ({ spec }: Pick<ChatCluster, "spec">, backend: Backend): readonly User[] =>
  USERS[backend].filter((user) => user !== "push" || spec.push !== undefined);

/**
 * A fingerprint of a backend's users that reveals nothing about them. It changes with any user or password,
 * and with what a user may do on NATS.
 */
export function usersPrint(
  { cluster, keys }: Pick<DesiredInput, "cluster" | "keys">,
  backend: Backend,
): string {
  const users = usersIn(cluster, backend);
  if (backend !== "nats") return hashOf(credentialsOf(keys, backend, users));
  const permissions = natsPermissions(clusterNameOf(cluster), cluster.spec.partitions);
  return hashOf([credentialsOf(keys, backend, [...users, "system"]), permissions]);
}

/** A spec without the component that may come and go while the servers run. */
function withoutPush({ push: _, ...spec }: ChatCluster["spec"]): ChatCluster["spec"] {
  return spec;
}

/**
 * The same input without credentials: the part that a server's template is made from. Users change while a
 * server runs, and restart nothing. A component that is added or taken out is a change of users too.
 */
export const withoutUsers = (input: DesiredInput): DesiredInput => ({
  ...input,
  cluster: { ...input.cluster, spec: withoutPush(input.cluster.spec) },
  keys: {
    origin: "",
    rotation: "",
    generation: 0,
    clusterKey: "",
    signingKey: {},
    passwords: Object.fromEntries(
      [...Object.entries(USERS), ["nats", ["system"]] as const].flatMap(([backend, users]) =>
        users.map((user) => [`${backend}/${user}`, ""]),
      ),
    ),
    lives: { tokenMs: 0, ticketMs: 0 },
    earlierTokenKeys: [],
    earlierClusterKeys: [],
  },
});

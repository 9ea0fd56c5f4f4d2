import { hashOf } from "../kube/hash.ts";
import type { Credential, Keys, User } from "./keys.ts";
import { USERS, credentialsOf } from "./keys.ts";
import type { Backend } from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

/** Every user that a managed backend must accept, of any generation. */
const usersOf = (keys: Keys, backend: Backend): readonly (Credential & { readonly as: User })[] =>
  credentialsOf(keys, backend, backend === "nats" ? [...USERS.nats, "system"] : USERS[backend]);

/**
 * A fingerprint of a backend's users that reveals nothing about them. It changes with any user or password.
 */
export const usersPrint = (keys: Keys, backend: Backend): string => hashOf(usersOf(keys, backend));

/**
 * The same input without credentials: the part that a server's template is made from. Users change while a
 * server runs, and restart nothing.
 */
export const withoutUsers = (input: DesiredInput): DesiredInput => ({
  ...input,
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

import { hashOf } from "../kube/hash.ts";
import type { Credential, Keys, User } from "./keys.ts";
import { USERS, credentialsOf } from "./keys.ts";
import type { Backend } from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

/** Everybody that a managed backend is to let in, whoever it is for. */
const usersOf = (keys: Keys, backend: Backend): readonly (Credential & { readonly as: User })[] =>
  credentialsOf(keys, backend, backend === "nats" ? [...USERS.nats, "system"] : USERS[backend]);

/** Names what a backend's users are without telling of them: another print, other users or passwords. */
export const usersPrint = (keys: Keys, backend: Backend): string => hashOf(usersOf(keys, backend));

/**
 * The same input with nobody's credentials: what a server is made of but for its users. They change while it
 * runs, and restart nothing.
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

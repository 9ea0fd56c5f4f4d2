import type { Section } from "./row.ts";
import { fixed, set } from "./row.ts";

const API = "api/src/readers.ts";
const KEYS = "lib/identity/src/token-keys.ts";
const PUSH = "api/src/readers-of-push.ts";
const LIVES = "lib/protocol/src/log/streams.ts";

const accounts: Section = {
  title: "Accounts, tokens and sessions",
  text: "",
  rows: [
    fixed(["a password, at least", "characters", "`INVALID`"], API, "PASSWORD_LENGTH_MIN"),
    fixed(["a password, at most", "characters", "`INVALID`"], API, "PASSWORD_LENGTH_MAX"),
    fixed(
      ["sign-ins that wait in one pod of the api", "count", "`BUSY`"],
      "api/src/passwords.ts",
      "WAITING_MAX",
    ),
    set(
      ["life of a token of our own accounts", "ms", "`TOKEN_EXPIRED`, closed with 4402"],
      "api",
      "TOKEN_LIFE_MS",
    ),
    set(
      ["life of a ticket, and never past its token", "ms", "`TOKEN_EXPIRED`; the SDK then shows its token"],
      "connector",
      "TICKET_LIFE_MS",
    ),
    fixed(
      ["`exp` of any token, ahead of now", "ms", "`UNAUTHENTICATED`, with the claim's name"],
      LIVES,
      "REVOCATION_TTL_MS",
    ),
    fixed(
      ["`jti` of a token", "characters", "`UNAUTHENTICATED`"],
      "lib/identity/src/claims.ts",
      "JTI_LENGTH_MAX",
    ),
    fixed(
      ["difference of clocks, for `iat`, `nbf` and `exp`", "ms", "`UNAUTHENTICATED` or `TOKEN_EXPIRED`"],
      "lib/protocol/src/limits.ts",
      "CLOCK_LEEWAY_MS",
    ),
    fixed(["answer of a JWKS URL", "ms", "`UNAVAILABLE`"], KEYS, "FETCH_MS"),
    fixed(["size of a JWKS from a URL", "bytes", "`UNAVAILABLE`"], KEYS, "JWKS_BYTES_MAX"),
    fixed(
      ["sessions that are listed of a user", "count", "those that were away longest are not listed"],
      "lib/presence/src/arrive-script.ts",
      "KNOWN_DEVICES_MAX",
    ),
    fixed(
      ["devices that a user ends one by one within 31 days", "count", "`CONFLICT`: end all at once"],
      "lib/identity/src/ended-sessions.ts",
      "ENDED_DEVICES_MAX",
    ),
  ],
};

const push: Section = {
  title: "Devices that receive pushes",
  text: "",
  rows: [
    fixed(
      ["devices of a user that receive pushes", "count", "one more takes the place of the oldest"],
      "lib/protocol/src/bus/push-registration.ts",
      "PUSH_DEVICES_MAX",
    ),
    fixed(["`endpoint` of a subscription", "characters", "`INVALID`"], PUSH, "PUSH_ENDPOINT_LENGTH_MAX"),
    fixed(["`token` of a device", "characters", "`INVALID`"], PUSH, "PUSH_TOKEN_LENGTH_MAX"),
    fixed(
      ["registrations of a user at once, and then one every two seconds", "count", "`RATE_LIMITED`"],
      "api/src/main.ts",
      "PUSHES_BURST",
    ),
  ],
};

export const ACCOUNTS: readonly Section[] = [accounts, push];

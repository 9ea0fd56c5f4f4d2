import type { Section } from "./row.ts";
import { fixed, set } from "./row.ts";

const LIMITED = "`RATE_LIMITED` with `retryAfterMs`";
const INTAKE = "connector/src/intake.ts";
const HANDLER = "connector/src/handler.ts";
const TRIES = "api/src/sign-in-limits.ts";
const GATE = "lib/edge/src/send-gate.ts";

const users: Section = {
  title: "Rates of one user",
  text: `A rate is an average. Two seconds' worth may come at once; of people put into groups, 40 seconds' worth. Each
connector and each pod of the api counts for itself. Sign-ins are counted for all pods together, while Redis answers.`,
  rows: [
    set(["messages and other writes", "a second", LIMITED], "connector", "MESSAGES_PER_SECOND"),
    set(["bytes of frames, a second", "bytes", LIMITED], "connector", "BYTES_PER_SECOND"),
    set(["people put into groups, on sockets", "a second", LIMITED], "connector", "MEMBERS_PER_SECOND"),
    set(["people put into groups, over REST", "a second", LIMITED], "api", "MEMBERS_PER_SECOND"),
    set(["REST requests", "a second", `429 ${LIMITED}`], "api", "REQUESTS_PER_SECOND"),
    set(["live devices", "count", "the oldest one is closed with 4409"], "connector", "DEVICES_PER_USER_MAX"),
    fixed(
      ["sign-ins at once, of one user from one address; and failed ones from all", "count", LIMITED],
      TRIES,
      "TRIES_BURST",
    ),
    fixed(["sign-ins after that", "a second", LIMITED], TRIES, "TRIES_PER_SECOND"),
    fixed(
      ["tries of the own password at once, to change it or to delete the account", "count", LIMITED],
      "api/src/main.ts",
      "PASSWORDS_BURST",
    ),
    fixed(["tries of it after that", "a second", LIMITED], "api/src/main.ts", "PASSWORDS_PER_SECOND"),
  ],
};

const sockets: Section = {
  title: "Bounds of one socket",
  text: "Every frame counts, pings and refused frames included.",
  rows: [
    set(["frames", "a second", LIMITED], "connector", "FRAMES_PER_SECOND"),
    fixed(["frames without an answer", "count", "`BUSY`"], "connector/src/too-fast.ts", "UNANSWERED_MAX"),
    fixed(
      ["frames between `hello` and `welcome`", "count", "`BUSY`, closed with 4429"],
      HANDLER,
      "EARLY_MAX",
    ),
    fixed(["malformed frames in a row", "count", "closed with 4400"], HANDLER, "MALFORMED_MAX"),
    fixed(["refusals within 10 s", "count", "closed with 4429"], INTAKE, "REFUSALS_MAX"),
    fixed(["refused sends that have not come again", "count", "closed with 4429"], GATE, "REFUSED_SENDS_MAX"),
    set(
      ["bytes that the device has not read", "bytes", "closed with 4408"],
      "connector",
      "BUFFERED_BYTES_MAX",
    ),
    set(["time for the `hello`", "ms", "closed with 4401"], "connector", "HELLO_MS"),
    set(
      ["a heartbeat: a client sends a `ping` this often when idle", "ms", "silent for two: closed with 1001"],
      "connector",
      "HEARTBEAT_MS",
    ),
  ],
};

const addresses: Section = {
  title: "Bounds of one address",
  text: `An address is an IPv4 address or an IPv6 /64. Behind proxies, set
[\`TRUST_PROXY\`](configuration.md#connector-api) to what is there: otherwise all devices seem to come from one
address. 0 means no limit where the range begins with 0.`,
  rows: [
    set(["sockets at one connector", "count", "closed with 4429"], "connector", "SOCKETS_PER_ADDRESS_MAX"),
    set(
      ["new sockets", "a second", "`RATE_LIMITED`, closed with 4429"],
      "connector",
      "HANDSHAKES_PER_SECOND",
    ),
    set(["frames of all its sockets", "a second", LIMITED], "connector", "FRAMES_PER_SECOND_PER_ADDRESS"),
    set(
      ["TCP connections at one connector", "count", "dropped without an answer"],
      "connector",
      "CONNECTIONS_PER_ADDRESS_MAX",
    ),
    set(
      ["TCP connections at one pod of the api", "count", "dropped without an answer"],
      "api",
      "CONNECTIONS_PER_ADDRESS_MAX",
    ),
    set(
      ["sign-ins and sign-ups; ten seconds' worth at once", "a second", LIMITED],
      "api",
      "SIGN_INS_PER_SECOND",
    ),
  ],
};

export const RATES: readonly Section[] = [users, sockets, addresses];

import type { Accounts, AccountProvisioner } from "@jichat/identity/accounts.ts";
import type { Existence } from "@jichat/identity/existence.ts";
import type { People } from "@jichat/identity/people.ts";
import type { Edge } from "@jichat/edge/edge.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Tokens } from "@jichat/identity/tokens.ts";
import type { UserNames } from "@jichat/identity/user-names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Level } from "@jichat/log/level.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Config } from "./config.ts";
import type { KnownAddresses } from "./known-addresses.ts";
import type { Passwords } from "./passwords.ts";
import type { IssueToken } from "./token-issuer.ts";
import type { UserIndex } from "./user-index.ts";

/** What `main` has opened, for the routes. */
export interface World extends Edge {
  readonly config: Config;
  readonly telemetry: Telemetry;
  /** Which verbs are answered goes by it. */
  readonly level: Pick<Level, "current">;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly userNames: UserNames;
  readonly firstSight: AccountProvisioner;
  readonly people: People;
  /** Absent where names of nobody are taken. */
  readonly existence: Existence | undefined;
  readonly index: UserIndex;
  readonly passwords: Passwords;
  readonly issueToken: IssueToken;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  /** Undefined where each process counts for itself. */
  readonly redis: Presence["redis"] | undefined;
  readonly knownAddresses: KnownAddresses;
  /** Tries of one's own password, and requests, by user. */
  readonly userBuckets: TokenBuckets;
  readonly requestBuckets: TokenBuckets;
  readonly memberBuckets: TokenBuckets;
}

import type { Accounts, FirstSight } from "@jichat/access/accounts.ts";
import type { Lanes } from "@jichat/access/lanes.ts";
import type { Past } from "@jichat/access/past.ts";
import type { Revocations } from "@jichat/access/revocations.ts";
import type { Syncs } from "@jichat/access/sync.ts";
import type { TokenBuckets } from "@jichat/access/token-bucket.ts";
import type { Tokens } from "@jichat/access/tokens.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { Passwords } from "./passwords.ts";
import type { IssueToken } from "./token-issuer.ts";
import type { UserIndex } from "./user-index.ts";

/** What `main` has opened, for the routes. */
export interface World {
  readonly config: Config;
  readonly telemetry: Telemetry;
  readonly accounts: Accounts;
  readonly firstSight: FirstSight;
  readonly index: UserIndex;
  readonly passwords: Passwords;
  readonly issueToken: IssueToken;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  readonly lanes: Lanes;
  readonly past: Past;
  readonly syncs: Syncs;
  /** Sign-ins and sign-ups by address, and sign-ins by user. */
  readonly addressBuckets: TokenBuckets;
  readonly userBuckets: TokenBuckets;
  readonly requestBuckets: TokenBuckets;
}

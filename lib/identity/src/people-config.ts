import type { Refused } from "@jichat/protocol/bus/command.ts";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";

/** Rules for people whom a frame or a request names. */
export interface PeopleConfig {
  /** Refuse names that have no account. */
  readonly mustExist: boolean;
  /** How many people a second a user may add to groups, on average. */
  readonly membersPerSecond: number;
}

/** At the default rate this allows two groups of the largest size at once. */
const MEMBERS_BURST_SECONDS = 40;

/**
 * With our own accounts, everybody who exists has one, so names must exist by default. The default rate
 * follows the message rate, so raising one raises the other.
 */
export function readPeopleConfig(
  reader: EnvReader,
  areOurs: boolean,
  messagesPerSecond: number,
): PeopleConfig {
  return {
    mustExist: reader.oneOf("PEOPLE_MUST_EXIST", ["no", "yes"], areOurs ? "yes" : "no") === "yes",
    membersPerSecond: reader.int("MEMBERS_PER_SECOND", {
      default: messagesPerSecond,
      min: 1,
      max: 1_000_000,
    }),
  };
}

/** Buckets for `chargeMembers`, one per user. */
export const memberBuckets = ({ membersPerSecond }: PeopleConfig): TokenBuckets =>
  new TokenBuckets(membersPerSecond, MEMBERS_BURST_SECONDS * membersPerSecond);

/**
 * Charges a user for adding people to groups, one unit each: each of them is written to, and gets the group
 * in their list. Returns the refusal if the user has too little left.
 */
export function chargeMembers(
  buckets: TokenBuckets,
  user: string,
  members: number,
  now: number,
): Refused | undefined {
  const waitMs = members === 0 ? 0 : buckets.spend(user, members, now);
  if (waitMs === 0) return undefined;
  return {
    code: "RATE_LIMITED",
    message: "this user adds too many people to groups",
    retryAfterMs: Math.max(10, waitMs),
  };
}

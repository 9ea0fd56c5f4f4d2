import type { Refused } from "@jichat/protocol/bus/command.ts";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";

/** What doors ask of the people that are named to them. */
export interface PeopleConfig {
  /** Names of nobody are refused. */
  readonly mustExist: boolean;
  /** How many people a user may put into groups in the long run. */
  readonly membersPerSecond: number;
}

/** Twice a group of the largest size at the default rate. */
const MEMBERS_BURST_SECONDS = 40;

/**
 * Where accounts are our own, everybody who exists has one. The rate follows that of messages, so that who
 * raises the one raises the other.
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

export const memberBuckets = ({ membersPerSecond }: PeopleConfig): TokenBuckets =>
  new TokenBuckets(membersPerSecond, MEMBERS_BURST_SECONDS * membersPerSecond);

/** Putting people into groups costs by how many they are: each is written to, and finds the group listed. */
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
    message: "too many people put into groups",
    retryAfterMs: Math.max(10, waitMs),
  };
}

import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { Muted } from "@jichat/protocol/frame/server-frame.ts";
import { PUSH_AGE_MS } from "@jichat/protocol/log/streams.ts";
import { isQuiet } from "./quiet.ts";

/** A user's standing in a conversation, from the list entry. */
export interface Standing {
  /** Read up to this seq; `markNo` is the number of messages up to there. */
  readonly mark: number;
  readonly markNo: number;
  /** Set if the user is not a member any more. */
  readonly left?: number | undefined;
  readonly muted?: Muted | undefined;
}

/** A live session of the user. */
export interface LiveDevice {
  readonly device: string;
  readonly isActive: boolean;
}

export interface Facts {
  /** `undefined` if nobody knows it, as after a loss of Redis: then nothing is held against the push. */
  readonly standing: Standing | undefined;
  readonly live: readonly LiveDevice[];
  /** The newest seq of the conversation that the device was pushed; 0 if there is none in 24 hours. */
  readonly shown: number;
}

export interface PushSettings {
  /** In conversations with more members only mentions are pushed. */
  readonly mentionsOnlyAbove: number;
}

const SKIP_REASONS = [
  /** Older than 24 hours. */
  "old",
  /** The device has a live session, which received the message. */
  "live",
  /** The user looks at one of the other devices. */
  "active",
  "left",
  "muted",
  "quiet",
  "read",
  /** Its author took it back while the push waited. */
  "recalled",
  /** The conversation is large, and the user is not mentioned. */
  "unmentioned",
  /** This message, or a later one of the conversation, was pushed to this device. */
  "sent",
  /** The user has no device for pushes. */
  "unregistered",
  /** There are no credentials of the device's provider. */
  "unoffered",
  /** Nobody knows the list of a user whose connection was half-open. */
  "unknown",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export type Decision =
  | {
      readonly is: "push";
      readonly hasSound: boolean;
      readonly isUrgent: boolean;
      /** The user hears only of mentions here, by choice or by the size of the conversation. */
      readonly isMentionsOnly: boolean;
    }
  | { readonly is: "skip"; readonly reason: SkipReason };

export interface Candidate {
  readonly user: string;
  readonly registration: PushRegistration;
  readonly message: Omit<QueuedMessage, "to">;
  readonly facts: Facts;
}

const skip = (reason: SkipReason): Decision => ({ is: "skip", reason });

/** The mute of a conversation, if it has not ended. `now` is in milliseconds since 1970. */
export function muteOf(standing: Standing | undefined, now: number): Muted | undefined {
  const muted = standing?.muted;
  return muted === undefined || (muted.until ?? Number.POSITIVE_INFINITY) <= now ? undefined : muted;
}

/**
 * Whether a device is told of a message, at `now` (milliseconds since 1970, by the cluster's clock). First
 * comes what does not depend on activity: a caller that does not know it yet passes no live sessions, and
 * asks for them only if this says `push`.
 *
 * A message that a device may have lost on a half-open connection is decided like any other, for all
 * devices of its owner: as long as that connection seemed to live, its user seemed to look, and no device was
 * told. The lost one may be a tab, whose browser is registered as another device. A device that was told has
 * it among what was sent. If the lost one has a live session by now, it has said hello since, and its sync
 * brought the message.
 */
export function decide(candidate: Candidate, settings: PushSettings, now: number): Decision {
  const { registration, message, facts, user } = candidate;
  if (now - message.ts > PUSH_AGE_MS) return skip("old");
  if (facts.live.some(({ device }) => device === registration.device)) return skip("live");
  if (facts.live.some(({ isActive }) => isActive)) return skip("active");
  const { standing } = facts;
  if (standing?.left !== undefined) return skip("left");
  const isMentioned = message.mentions?.includes(user) === true;
  const muted = muteOf(standing, now);
  if (muted !== undefined && !(muted.mentionsOnly === true && isMentioned)) return skip("muted");
  if (registration.quiet !== undefined && isQuiet(registration.quiet, now)) return skip("quiet");
  if (standing !== undefined && standing.mark >= message.seq) return skip("read");
  const isLarge = message.members > settings.mentionsOnlyAbove;
  if (isLarge && !isMentioned) return skip("unmentioned");
  if (facts.shown >= message.seq) return skip("sent");
  return {
    is: "push",
    hasSound: muted === undefined,
    isUrgent: message.isDirect === true || isMentioned,
    isMentionsOnly: isLarge || muted !== undefined,
  };
}

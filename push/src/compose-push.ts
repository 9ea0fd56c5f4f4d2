import type { Span } from "@opentelemetry/api";
import type { Preview } from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_AGE_MS } from "@jichat/protocol/log/streams.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Badges } from "./badges.ts";
import { muteOf } from "./decide.ts";
import { collapseKey, notificationId } from "./ids.ts";
import type { Place } from "./ids.ts";
import type { Job } from "./job.ts";
import type { DisplayNames, Texts } from "./ports.ts";
import type { Notification, Outcome, Withdrawal } from "./provider.ts";

/** A provider is given this much at least for a message that is nearly too old. */
const TTL_MIN_MS = 60_000;

export interface ComposerParts {
  readonly clock: Pick<Clock, "now">;
  readonly names: DisplayNames;
  readonly badges: Pick<Badges, "of" | "changed">;
  readonly texts: Texts;
  /** False: no push of this cluster shows any of a message's text. */
  readonly hasPreviews: boolean;
  readonly telemetry: Pick<Telemetry, "child">;
}

/** A push, and what has to be called with its outcome. */
export interface Composed<P> {
  readonly push: P;
  readonly end: (outcome: Outcome) => void;
}

/** Makes pushes of jobs: words, badge, ids, and the trace that goes on. */
export class Composer {
  readonly #parts: ComposerParts;

  constructor(parts: ComposerParts) {
    this.#parts = parts;
  }

  async notification(job: Job): Promise<Composed<Notification>> {
    const { clock, badges } = this.#parts;
    const { user, registration, message, hasSound, isUrgent, seq, standing, judgedAt } = job;
    const { device } = registration;
    const { conversation } = message;
    const place = { user, device, conversation };
    // A mention in a conversation that is muted is told, and counts for no badge.
    const isCounted = muteOf(standing, clock.now()) === undefined;
    const counted = isCounted ? { conversation, no: message.no, knownAt: judgedAt } : undefined;
    const [words, badge] = await Promise.all([this.#words(job), badges.of(user, counted)]);
    const { trace, end } = this.#trace(message.trace);
    const push: Notification = {
      is: "notification",
      id: notificationId(place, message.seq, "notification"),
      ...place,
      seq,
      badge,
      collapseKey: collapseKey(conversation),
      trace,
      ...words,
      count: countOf(job),
      hasSound,
      isUrgent,
      ttlMs: Math.max(TTL_MIN_MS, PUSH_AGE_MS - (clock.now() - message.ts)),
    };
    return { push, end };
  }

  /** Withdraws what the device shows of a conversation up to `seq`. */
  async withdrawal(place: Place, seq: number): Promise<Composed<Withdrawal>> {
    const { badges } = this.#parts;
    badges.changed(place.user);
    const badge = await badges.of(place.user, undefined);
    const { trace, end } = this.#trace(undefined);
    const id = notificationId(place, seq, "withdrawal");
    return {
      push: {
        is: "withdrawal",
        id,
        ...place,
        seq,
        badge,
        collapseKey: collapseKey(place.conversation),
        trace,
      },
      end,
    };
  }

  async #words(job: Job): Promise<{ title: string; text: string }> {
    const { names, texts, hasPreviews } = this.#parts;
    const { registration, message } = job;
    const preview: Preview =
      registration.preview === "text" && !hasPreviews ? "sender" : registration.preview;
    const sender = preview === "none" ? "" : ((await names.of(message.from)) ?? message.from);
    return texts({
      locale: registration.locale,
      preview,
      sender,
      group: message.name,
      isDirect: message.isDirect === true,
      count: countOf(job),
      isMention: message.mentions?.includes(job.user) === true,
      text: preview === "text" ? message.preview : undefined,
    });
  }

  /** A span that ends with the provider's answer; the push carries it on. */
  #trace(parent: string | undefined): { trace: string | undefined; end: (outcome: Outcome) => void } {
    const span: Span | undefined = this.#parts.telemetry.child("push send", parent);
    return {
      trace: traceparentOf(span) ?? parent,
      end: (outcome) => {
        span?.setAttribute("jichat.outcome", outcome.is);
        if ("reason" in outcome) span?.setAttribute("jichat.reason", outcome.reason);
        span?.end();
      },
    };
  }
}

/**
 * Messages that a notification stands for. One that stands for several says how many are unread, by the
 * user's mark, as the list of conversations does: a count of those that were folded would forget the ones
 * that another worker sent. Where the unread are not those that are pushed, the count it is.
 */
function countOf({ count, standing, message, isMentionsOnly, seq }: Job): number {
  if (count === 1 || standing === undefined || isMentionsOnly || seq > message.seq) return count;
  return Math.max(1, message.no - standing.markNo);
}

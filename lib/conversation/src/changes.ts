import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { kindOf } from "./tables.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";

/** An edit or a recall of the message `target`. */
export interface Change {
  readonly target: number;
  readonly seq: number;
  readonly kind: string;
  readonly body: string;
}

/** What an event changes of a message that was sent before; undefined where it changes none. */
export function changeOf({ kind, target, seq, body }: InnerEvent): Change | undefined {
  if (target === undefined || kindOf(kind)?.isChange !== true) return undefined;
  return { target, seq, kind, body: body ?? "" };
}

/** What became of messages, and how a page shows them for it. */
export class Changes {
  readonly #latest = new Map<number, Change>();
  readonly #recalled = new Map<number, number>();

  /** In rising seq. */
  add(change: Change): void {
    this.#latest.set(change.target, change);
    if (change.kind === "recalled") this.#recalled.set(change.target, change.seq);
  }

  get size(): number {
    return this.#latest.size;
  }

  /**
   * A message with its latest body and `edited`, or `recalled` and no body. The edits of a recalled message
   * lose their bodies too, or a recall would not take anything back.
   */
  shown(event: InnerEvent): InnerEvent {
    if (event.kind !== "message" && event.kind !== "edited") return event;
    const recall = this.#recalled.get(event.kind === "edited" ? (event.target ?? 0) : event.seq);
    if (recall !== undefined) {
      const { body: _, ...rest } = event;
      return event.kind === "message" ? { ...rest, recalled: recall } : rest;
    }
    const change = event.kind === "message" ? this.#latest.get(event.seq) : undefined;
    return change === undefined ? event : { ...event, body: change.body as BodyText, edited: change.seq };
  }
}

/** The messages whose changes are needed to show these events. */
export const targetsOf = (events: readonly InnerEvent[]): number[] =>
  events.flatMap(({ kind, seq, target }) =>
    kind === "message" ? [seq] : kind === "edited" && target !== undefined ? [target] : [],
  );

import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { ChatEvent, InnerEvent } from "@jichat/protocol/frame/server-frame.ts";

/** An edit or a recall of the message `target`. */
export interface Change {
  readonly target: number;
  readonly seq: number;
  readonly kind: string;
  readonly body: string;
}

/** Whether an event changes how an earlier one is shown: the one that it names as its `target`. */
export const isChange = ({ kind, target }: Pick<ChatEvent, "kind" | "target">): boolean =>
  target !== undefined && (kind === "edited" || kind === "recalled");

/** What an event changes; undefined where it changes nothing. */
export const changeOf = (event: InnerEvent): Change | undefined =>
  isChange(event)
    ? { target: event.target ?? 0, seq: event.seq, kind: event.kind, body: event.body ?? "" }
    : undefined;

/**
 * A message as it is shown behind an edit (its body, and `edited`) or a recall (no body, and `recalled`). The
 * one rule for it: storage makes pages by it, and a client that holds events applies it to them.
 */
export function withChange<B>(
  message: ChatEvent<B>,
  { kind, seq, body }: Pick<ChatEvent<B>, "kind" | "seq" | "body">,
): ChatEvent<B> {
  const { body: _, ...rest } = message;
  return kind === "recalled" ? { ...rest, recalled: seq } : { ...rest, body, edited: seq };
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
   * A message as its changes leave it. The edits of a recalled message lose their bodies too, or a recall
   * would not take anything back.
   */
  shown(event: InnerEvent): InnerEvent {
    if (event.kind === "edited") {
      const { body: _, ...rest } = event;
      return this.#recalled.has(event.target ?? 0) ? rest : event;
    }
    if (event.kind !== "message") return event;
    const recalled = this.#recalled.get(event.seq);
    if (recalled !== undefined) return withChange(event, { kind: "recalled", seq: recalled });
    const latest = this.#latest.get(event.seq);
    if (latest === undefined) return event;
    return withChange(event, { kind: "edited", seq: latest.seq, body: latest.body as BodyText });
  }
}

/** The messages whose changes are needed to show these events. */
export const targetsOf = (events: readonly InnerEvent[]): number[] =>
  events.flatMap(({ kind, seq, target }) =>
    kind === "message" ? [seq] : kind === "edited" && target !== undefined ? [target] : [],
  );

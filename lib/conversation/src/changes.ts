import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { ChatEvent, InnerEvent } from "@jichat/protocol/frame/server-frame.ts";

/** An edit or a recall of the message `target`. */
export interface Change {
  readonly target: number;
  readonly seq: number;
  readonly kind: string;
  readonly body: string;
}

/** Whether an event changes how its `target`, an earlier event, is shown. */
export const isChange = ({ kind, target }: Pick<ChatEvent, "kind" | "target">): boolean =>
  target !== undefined && (kind === "edited" || kind === "recalled");

/** The change that an event makes; `undefined` if it makes none. */
export const changeOf = (event: InnerEvent): Change | undefined =>
  isChange(event)
    ? { target: event.target ?? 0, seq: event.seq, kind: event.kind, body: event.body ?? "" }
    : undefined;

/**
 * A message after an edit (new body, and `edited`) or a recall (`recalled`, no body and no `edited`). The only
 * implementation: storage makes pages with it, and clients apply it to the events that they hold.
 */
export function withChange<B>(
  message: ChatEvent<B>,
  { kind, seq, body }: Pick<ChatEvent<B>, "kind" | "seq" | "body">,
): ChatEvent<B> {
  const { body: _, edited: _edited, ...rest } = message;
  return kind === "recalled" ? { ...rest, recalled: seq } : { ...rest, body, edited: seq };
}

/** The changes of messages, and how a page shows the messages after them. */
export class Changes {
  readonly #latest = new Map<number, Change>();
  readonly #recalled = new Map<number, number>();

  /** Changes must be added in rising seq. */
  add(change: Change): void {
    this.#latest.set(change.target, change);
    if (change.kind === "recalled") this.#recalled.set(change.target, change.seq);
  }

  get size(): number {
    return this.#latest.size;
  }

  /**
   * An event as a page shows it. The edits of a recalled message lose their bodies too; otherwise a recall
   * would take nothing back.
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

/** Seqs of the messages whose changes are needed to show these events. */
export const targetsOf = (events: readonly InnerEvent[]): number[] =>
  events.flatMap(({ kind, seq, target }) =>
    kind === "message" ? [seq] : kind === "edited" && target !== undefined ? [target] : [],
  );

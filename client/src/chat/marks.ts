import { isRetryable } from "@jichat/protocol/errors.ts";
import { reasonOf } from "../closed.ts";
import type { Patience } from "./patience.ts";

const KEPT = "mark/";

export interface MarksParts {
  /** Resolves once the server has the mark. */
  readonly read: (conversation: string, seq: number) => Promise<unknown>;
  readonly keep: (key: string, value: unknown) => void;
  readonly patience: Patience;
}

/**
 * Read marks on their way to the server. One write per conversation is out at a time; the next one carries
 * the furthest mark. They are kept, since a mark that is shown and lost would come back as unread.
 */
export class Marks {
  readonly #parts: MarksParts;
  readonly #wanted = new Map<string, number>();
  readonly #sending = new Set<string>();

  constructor(parts: MarksParts) {
    this.#parts = parts;
  }

  /** Takes what an earlier run has kept. */
  resume(kept: ReadonlyMap<string, unknown>): void {
    for (const [key, seq] of kept)
      if (key.startsWith(KEPT) && Number.isSafeInteger(seq)) this.set(key.slice(KEPT.length), Number(seq));
  }

  /** The mark that the server does not have yet. */
  of(conversation: string): number | undefined {
    return this.#wanted.get(conversation);
  }

  /** All marks that the server does not have yet. */
  get all(): IterableIterator<[conversation: string, seq: number]> {
    return this.#wanted.entries();
  }

  set(conversation: string, seq: number): void {
    if (seq <= (this.#wanted.get(conversation) ?? 0)) return;
    this.#wanted.set(conversation, seq);
    this.#parts.keep(KEPT + conversation, seq);
    void this.#send(conversation);
  }

  /** The cluster has begun anew: its seqs are others. */
  clear(): void {
    for (const conversation of this.#wanted.keys()) this.#parts.keep(KEPT + conversation, undefined);
    this.#wanted.clear();
  }

  async #send(conversation: string): Promise<void> {
    if (this.#sending.has(conversation)) return;
    this.#sending.add(conversation);
    const { patience } = this.#parts;
    for (let tries = 0; ; tries += 1) {
      const seq = this.#wanted.get(conversation);
      if (seq === undefined || patience.isOver) break;
      try {
        await this.#parts.read(conversation, seq);
      } catch (thrown) {
        // The kept mark of a closed client is sent by the next one.
        if (patience.isOver) break;
        const error = reasonOf(thrown);
        if (isRetryable(error.code)) {
          await patience.wait(error, tries);
          continue;
        }
      }
      if (this.#wanted.get(conversation) === seq) this.#done(conversation);
    }
    this.#sending.delete(conversation);
  }

  #done(conversation: string): void {
    this.#wanted.delete(conversation);
    this.#parts.keep(KEPT + conversation, undefined);
  }
}

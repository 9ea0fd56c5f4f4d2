import { hash } from "node:crypto";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import type { Push } from "./ports.ts";
import type { PushEntry } from "./push-entries.ts";
import { PushShares } from "./push-shares.ts";
import type { PushText } from "./push-texts.ts";
import { PUSH_MESSAGE_BYTES_MAX, entryBytesMax, packed } from "./push-texts.ts";

const PUBLISH_TIMEOUT_MS = 2_000;
/** Entries that were held back follow within this time of their turn. */
const LOOK_MS = 1_000;
/** How often entries that were held back are tried at the end of a reign. */
const LAST_TRIES = 3;

/** `queued`: entries; `coalesced`, `dropped`: entries that a later one replaced, or that had no room. */
export type PushCount = "queued" | "coalesced" | "dropped" | "refused";

interface PushQueueParts {
  readonly js: {
    publish(
      subject: string,
      bytes: Uint8Array,
      options: { readonly msgID: string; readonly timeout: number },
    ): Promise<unknown>;
  };
  readonly names: Pick<Names, "pushSubject">;
  readonly clock: Clock;
  readonly count: (outcome: PushCount, by: number) => void;
  /** Called once for each new refusal. */
  readonly letGo: (refusal: ChatError, partition: number) => void;
}

/**
 * Writes to the push queue. The queue may drop entries. So a message that it refuses for good is dropped.
 *
 * These entries are written at every level of the cluster. What level 1 wrote here had no reader, so there is
 * no earlier build whose reader could meet a form that it does not know.
 */
export class PushQueue implements Push {
  readonly #parts: PushQueueParts;
  readonly #shares = new PushShares(entryBytesMax(PUSH_MESSAGE_BYTES_MAX));
  /** Messages of entries whose turn has come, until the queue has them. */
  #late: { readonly partition: number; readonly message: Uint8Array }[] = [];
  #said = "";

  constructor(parts: PushQueueParts) {
    this.#parts = parts;
  }

  /** Number of entries that are held back. */
  get held(): number {
    return this.#shares.size;
  }

  take(partition: number, entries: readonly PushEntry[]): readonly PushText[] {
    const { clock, count } = this.#parts;
    const { texts, coalesced, dropped } = this.#shares.admit(partition, entries, clock.monotonic());
    count("queued", texts.length);
    count("coalesced", coalesced);
    count("dropped", dropped);
    return texts;
  }

  async add(partition: number, message: Uint8Array): Promise<void> {
    const { js, names, count, letGo } = this.#parts;
    try {
      await js.publish(names.pushSubject(partition), message, {
        // The same bytes tell the same: a repetition within the stream's window is stored once.
        msgID: hash("sha1", message),
        timeout: PUBLISH_TIMEOUT_MS,
      });
      this.#said = "";
    } catch (error) {
      const refusal = finalErrorOf(error);
      if (refusal === undefined) throw error;
      count("refused", 1);
      if (refusal.message !== this.#said) letGo(refusal, partition);
      this.#said = refusal.message;
    }
  }

  /** Writes what was held back as soon as its sender may, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (this.#late.length === 0) this.#takeLate();
      await this.#addLate().catch(() => undefined); // Tried again at the next look.
    }
  }

  /**
   * Writes at once what was held back of a partition, whatever its senders may: this router does not own it
   * any more. Never rejects: what cannot be written is tried again while this router runs.
   */
  async release(partition: number): Promise<void> {
    this.#takeLate(partition);
    for (let tries = 0; tries < LAST_TRIES; tries += 1) {
      try {
        await this.#addLate();
        return;
      } catch {
        // NATS does not answer. `run` goes on.
      }
    }
  }

  #takeLate(partition?: number): void {
    const { clock, count } = this.#parts;
    for (const [of, texts] of this.#shares.take(clock.monotonic(), partition)) {
      count("queued", texts.length);
      for (const message of packed(texts, PUSH_MESSAGE_BYTES_MAX))
        this.#late.push({ partition: of, message });
    }
  }

  async #addLate(): Promise<void> {
    for (let late = this.#late[0]; late !== undefined; late = this.#late[0]) {
      await this.add(late.partition, late.message);
      if (this.#late[0] === late) this.#late.shift();
    }
  }
}

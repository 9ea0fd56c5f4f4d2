import type { EffectsWorld } from "./ports.ts";
import type { PushText } from "./push-texts.ts";
import { PUSH_MESSAGE_BYTES_MAX, packed } from "./push-texts.ts";

const RETRY_MS = 100;
/**
 * What effects add gathers for as long, unless it fills a message: a write costs NATS, its disk, and the
 * worker that acknowledges it more than the entries in it. No device notices so small a delay.
 */
const GATHER_MS = 20;
/** Effects wait while entries of more bytes than this do. */
const WAITING_BYTES_MAX = 1_048_576;

/** Entries of effects that are done otherwise up to `position`. */
interface Waiting {
  readonly position: number;
  readonly texts: readonly PushText[];
  readonly bytes: number;
}

/**
 * Writes the entries of one partition to the push queue, in order, beside its other effects: nobody who is
 * online waits for the queue. What gathers for a moment, or during a write, goes together.
 */
export class PushLane {
  readonly #world: Pick<EffectsWorld, "partition" | "push" | "clock" | "count">;
  readonly #signal: AbortSignal;
  readonly #onDone: (position: number) => void;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;

  /** `onDone` is called with the positions up to which the queue has everything. */
  constructor(
    world: Pick<EffectsWorld, "partition" | "push" | "clock" | "count">,
    signal: AbortSignal,
    onDone: (position: number) => void,
  ) {
    this.#world = world;
    this.#signal = signal;
    this.#onDone = onDone;
  }

  get isIdle(): boolean {
    return this.#writing === undefined;
  }

  /** Bytes of the entries that wait or are being written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves as soon as there is room for more. */
  async add(position: number, texts: readonly PushText[]): Promise<void> {
    if (this.#signal.aborted) return;
    if (texts.length === 0 && this.#writing === undefined) {
      this.#onDone(position);
      return;
    }
    const bytes = texts.reduce((sum, text) => sum + text.bytes, 0);
    this.#waiting.push({ position, texts, bytes });
    this.#bytes += bytes;
    this.#writing ??= this.#write();
    if (this.#bytes > WAITING_BYTES_MAX) await this.#writing;
  }

  /** Writes all that waits. If the signal aborts before, a successor does it. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#signal.aborted) {
      if (this.#bytes < PUSH_MESSAGE_BYTES_MAX) await this.#world.clock.sleep(GATHER_MS);
      const round = this.#waiting.splice(0);
      const texts = round.flatMap((one) => one.texts);
      for (const message of packed(texts, PUSH_MESSAGE_BYTES_MAX)) await this.#untilAdded(message);
      if (this.#signal.aborted) break;
      for (const { bytes } of round) this.#bytes -= bytes;
      this.#onDone(round.at(-1)?.position ?? 0);
    }
    this.#writing = undefined;
  }

  async #untilAdded(message: Uint8Array): Promise<void> {
    const { push, partition, clock, count } = this.#world;
    while (!this.#signal.aborted) {
      try {
        await push.add(partition, message);
        return;
      } catch {
        // NATS does not answer: count it, and retry until it does.
        count("retried", 1);
        await clock.sleep(RETRY_MS);
      }
    }
  }
}

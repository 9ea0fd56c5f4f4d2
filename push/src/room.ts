import type { Clock } from "@jichat/protocol/clock.ts";

/** Bytes of queue messages held at once, over all partitions: decoded they take several times as much. */
export const HELD_BYTES_MAX = 16_777_216;
/** Bytes of one fetch, by the size of messages so far. */
const FETCH_BYTES = 1_048_576;
const FETCH_MAX = 64;
const LOOK_MS = 10;

export interface RoomParts {
  readonly clock: Pick<Clock, "sleep">;
  readonly bytesMax: number;
  /** Whether so many pushes wait that nothing more should be read. */
  readonly isFull: () => boolean;
  /** What waits only to be folded goes out, to make room. */
  readonly onFull: () => void;
}

/** Back-pressure to the queue: what may be read by all partitions together. */
export class Room {
  readonly #parts: RoomParts;
  #bytes = 0;
  /** Of recent messages, a moving average in bytes. */
  #usual = 1_024;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves once there is room, with the number of messages that may be fetched. */
  async enter(signal: AbortSignal): Promise<number> {
    while (this.#bytes >= this.#parts.bytesMax || this.#parts.isFull()) {
      this.#parts.onFull();
      await this.#parts.clock.sleep(LOOK_MS, signal);
    }
    return Math.max(1, Math.min(FETCH_MAX, Math.floor(FETCH_BYTES / this.#usual)));
  }

  /** Resolves once fewer pushes wait. */
  async untilLess(signal: AbortSignal): Promise<void> {
    while (this.#parts.isFull()) {
      this.#parts.onFull();
      await this.#parts.clock.sleep(LOOK_MS, signal);
    }
  }

  hold(bytes: number): void {
    this.#bytes += bytes;
    this.#usual += (bytes - this.#usual) / 16;
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
  }
}

import type { AddressBudget } from "./address-budget.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";

/** Limits of one socket, whichever user it has and however its frames are answered. */
export interface IntakeLimits {
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** The limit of bytes that wait for a later turn. Each waiting frame adds `HELD_BYTES`. */
  readonly heldBytesMax: number;
}

/** A frame that waits for a later turn. */
export interface Held {
  readonly bytes: ArrayBuffer;
  readonly binary: boolean;
}

/** Frames of one socket that are read in one turn. One read of uWS may bring tens of thousands. */
export const FRAMES_PER_TURN = 32;
export const REFUSALS_MAX = 200;
const REFUSALS_MS = 10_000;
/** Frames of up to this size are counted in groups: counting each one costs a tenth of answering it. */
const SMALL_BYTES = 256;
const SMALL_AT_ONCE = 31;
/** Memory that a waiting frame costs beside its bytes. */
const HELD_BYTES = 128;
const BURST = 2;
const LEAST_WAIT_MS = 10;

/**
 * Limits one socket's input before anything looks at it. Every frame counts, also a refused one. Each turn of
 * the event loop reads a limited number of a socket's frames, and the rest waits in order.
 */
export class Intake {
  readonly #limits: IntakeLimits;
  readonly #turn: Pick<FlushScheduler, "monotonic" | "ordinal">;
  readonly #budget: Pick<AddressBudget, "spend" | "of"> | undefined;
  readonly #address: string;
  #frames: number;
  #bytes: number;
  #at: number;
  /** Small frames that may pass in this turn without further checks, and how many have passed. */
  #credit = 0;
  #creditOrdinal = -1;
  #passed = 0;
  #passedBytes = 0;
  /** The address's bucket, looked up once per turn. */
  #shared: ReturnType<AddressBudget["of"]> | undefined;
  #turnOrdinal = -1;
  #handled = 0;
  #refusals = 0;
  #refusalsSince = Number.NEGATIVE_INFINITY;
  /** Allocated lazily: most sockets never need it. */
  #held: Held[] | undefined;
  #heldFrom = 0;
  #heldBytes = 0;

  /** Without a budget the address has no limit of its own. */
  constructor(
    limits: IntakeLimits,
    turn: Pick<FlushScheduler, "monotonic" | "ordinal">,
    address: string,
    budget?: Pick<AddressBudget, "spend" | "of">,
  ) {
    this.#limits = limits;
    this.#turn = turn;
    this.#address = address;
    this.#budget = budget;
    this.#frames = BURST * limits.framesPerSecond;
    this.#bytes = BURST * limits.bytesPerSecond;
    this.#at = turn.monotonic();
  }

  /** Takes a frame of so many bytes and returns 0, or returns the milliseconds until it may be taken. */
  admit(bytes: number): number {
    if (this.#passed >= this.#credit || bytes > SMALL_BYTES || this.#creditOrdinal !== this.#turn.ordinal)
      return this.#admitSlowly(bytes);
    if (this.#shared?.takeOne() === false) return this.#admitSlowly(bytes);
    this.#passed += 1;
    this.#passedBytes += bytes;
    return 0;
  }

  #admitSlowly(bytes: number): number {
    const now = this.#turn.monotonic();
    if (this.#passed > 0) this.#pay();
    if (now !== this.#at) this.#refill(now);
    this.#credit = 0;
    // A frame that is larger than the bucket passes when the bucket is full.
    const needed = Math.min(bytes, BURST * this.#limits.bytesPerSecond);
    if (this.#frames < 1 || this.#bytes < needed) return this.#waitMs(needed);
    const waitMs = this.#budget?.spend(this.#address, bytes, now) ?? 0;
    if (waitMs > 0) return Math.max(LEAST_WAIT_MS, waitMs);
    this.#frames -= 1;
    this.#bytes -= needed;
    this.#credit = Math.floor(Math.min(SMALL_AT_ONCE, this.#frames, this.#bytes / SMALL_BYTES));
    this.#creditOrdinal = this.#turn.ordinal;
    this.#shared = this.#budget?.of(this.#address, now);
    return 0;
  }

  /** Charges the small frames that have passed. Their number was bounded by what was left. */
  #pay(): void {
    this.#frames -= this.#passed;
    this.#bytes -= this.#passedBytes;
    this.#passed = 0;
    this.#passedBytes = 0;
  }

  #waitMs(bytes: number): number {
    const { framesPerSecond, bytesPerSecond } = this.#limits;
    const seconds = Math.max((1 - this.#frames) / framesPerSecond, (bytes - this.#bytes) / bytesPerSecond);
    return Math.max(LEAST_WAIT_MS, Math.ceil(1_000 * seconds));
  }

  #refill(now: number): void {
    const { framesPerSecond, bytesPerSecond } = this.#limits;
    const seconds = (now - this.#at) / 1_000;
    this.#at = now;
    this.#frames = Math.min(BURST * framesPerSecond, this.#frames + seconds * framesPerSecond);
    this.#bytes = Math.min(BURST * bytesPerSecond, this.#bytes + seconds * bytesPerSecond);
  }

  /** Counts a refusal. True if there were more than `REFUSALS_MAX` within `REFUSALS_MS`. */
  refused(): boolean {
    const now = this.#turn.monotonic();
    if (now - this.#refusalsSince > REFUSALS_MS) {
      this.#refusalsSince = now;
      this.#refusals = 0;
    }
    this.#refusals += 1;
    return this.#refusals > REFUSALS_MAX;
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** Whether one more frame may be read in this turn. If true, the frame counts as read. */
  mayRead(): boolean {
    this.#turn.monotonic(); // Asking for the time makes sure that the turn gets an end.
    if (this.#turnOrdinal !== this.#turn.ordinal) {
      this.#turnOrdinal = this.#turn.ordinal;
      this.#handled = 0;
    }
    if (this.#handled >= FRAMES_PER_TURN) return false;
    this.#handled += 1;
    return true;
  }

  /** Keeps a copy for a later turn. False if there is no room. */
  hold(bytes: ArrayBuffer, binary: boolean): boolean {
    const cost = bytes.byteLength + HELD_BYTES;
    if (this.#heldBytes + cost > this.#limits.heldBytesMax) return false;
    this.#heldBytes += cost;
    (this.#held ??= []).push({ bytes: bytes.slice(0), binary });
    return true;
  }

  /** The next waiting frame, if this turn has room for it. */
  next(): Held | undefined {
    const held = this.#held?.[this.#heldFrom];
    if (held === undefined || !this.mayRead()) return undefined;
    this.#heldFrom += 1;
    this.#heldBytes -= held.bytes.byteLength + HELD_BYTES;
    if (this.#heldFrom === this.#held?.length) this.drop();
    return held;
  }

  /** Drops the waiting frames. Called once none is left or the socket has closed. */
  drop(): void {
    this.#held = undefined;
    this.#heldFrom = 0;
    this.#heldBytes = 0;
  }
}

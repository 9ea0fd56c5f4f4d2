import type { Clock } from "@jichat/protocol/clock.ts";
import { Alarm } from "../alarm.ts";
import type { Live } from "./types.ts";

/** Listeners are told at most this often, in milliseconds: a screen shows no more. */
const FRAME_MS = 16;

/** Gathers changes, and tells the listeners of each topic once: the first time at once, then once a frame. */
export class Pace {
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  readonly #alarm: Alarm;
  readonly #changed = new Set<Topic>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #isSet = false;

  constructor(clock: Pick<Clock, "monotonic" | "sleep">) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock);
  }

  changed(topic: Topic): void {
    this.#changed.add(topic);
    if (this.#isSet) return;
    this.#isSet = true;
    const waitMs = this.#toldAt + FRAME_MS - this.#clock.monotonic();
    if (waitMs > 0) this.#alarm.set(waitMs, this.#tell);
    else queueMicrotask(this.#tell);
  }

  /** Tells what has changed now, and leaves no timer. */
  stop(): void {
    this.#alarm.clear();
    this.#tell();
  }

  readonly #tell = (): void => {
    this.#isSet = false;
    if (this.#changed.size === 0) return;
    this.#toldAt = this.#clock.monotonic();
    const topics = [...this.#changed];
    this.#changed.clear();
    for (const topic of topics) topic.tell();
  };
}

/** Something that can change, and who wants to know. */
export class Topic {
  readonly #pace: Pace;
  readonly #onUse: ((isUsed: boolean) => void) | undefined;
  readonly #listeners = new Set<{ readonly listener: () => void }>();

  /** `onUse` is called when the first listener comes, and when the last one has gone. */
  constructor(pace: Pace, onUse?: (isUsed: boolean) => void) {
    this.#pace = pace;
    this.#onUse = onUse;
  }

  get isUsed(): boolean {
    return this.#listeners.size > 0;
  }

  changed(): void {
    if (this.isUsed) this.#pace.changed(this);
  }

  /** A listener that throws does not keep the news from the others. */
  tell(): void {
    for (const { listener } of this.#listeners)
      try {
        listener();
      } catch (thrown) {
        queueMicrotask(() => {
          throw thrown;
        });
      }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = { listener };
    this.#listeners.add(entry);
    if (this.#listeners.size === 1) this.#onUse?.(true);
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#onUse?.(false);
    };
  };
}

/** A value that is replaced as a whole. */
export class Cell<T> implements Live<T> {
  readonly #topic: Topic;
  #value: T;
  readonly get = (): T => this.#value;
  readonly subscribe: Live<T>["subscribe"];

  constructor(pace: Pace, value: T, onUse?: (isUsed: boolean) => void) {
    this.#topic = new Topic(pace, onUse);
    this.#value = value;
    this.subscribe = this.#topic.subscribe;
  }

  get isUsed(): boolean {
    return this.#topic.isUsed;
  }

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#topic.changed();
  }
}

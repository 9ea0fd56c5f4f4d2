import type { Clock } from "@jichat/protocol/clock.ts";
import { Alarm } from "../alarm.ts";
import type { Store } from "./types.ts";

/** How often the list is written while it changes, in milliseconds. A restart asks for what came since. */
const SAVE_MS = 2_000;
/** The key of what was seen. It is written after the rows that it speaks of. */
export const SEEN = "seen";
/** Values that are read at once when a device starts. */
const READ_AT_ONCE = 32;

export interface KeeperParts {
  readonly store: Store;
  /** Begins every key of this device. */
  readonly prefix: string;
  readonly clock: Pick<Clock, "sleep">;
}

/**
 * Writes to the store one after the other, in order. A value that is replaced before its turn is not
 * written.
 */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #saving: Alarm;
  /** What is to be written, in order. `undefined` deletes. */
  readonly #waiting = new Map<string, unknown>();
  #writing: Promise<void> | undefined;
  #isSet = false;
  #save: (() => void) | undefined;
  /** Told of the latest error each time something was written, and of `undefined` if all was taken. */
  onWritten: (error: unknown) => void = () => undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#saving = new Alarm(parts.clock);
  }

  /** All that this device has kept, by key without the prefix. Rejects if the store does. */
  async read(): Promise<ReadonlyMap<string, unknown>> {
    const { store, prefix } = this.#parts;
    const keys = await store.keys(prefix);
    const kept = new Map<string, unknown>();
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      const some = keys.slice(at, at + READ_AT_ONCE);
      const values = await Promise.all(some.map(async (key) => store.get(key)));
      for (const [index, key] of some.entries()) kept.set(key.slice(prefix.length), values[index]);
    }
    return kept;
  }

  set(key: string, value: unknown): void {
    this.#waiting.delete(key); // It goes to the end: what was written before it is kept before it.
    this.#waiting.set(key, value);
    this.#writing ??= this.#write();
  }

  delete(key: string): void {
    this.set(key, undefined);
  }

  /** Calls `save`, which writes what has changed, 2 s from now, unless it is to be called already. */
  saveSoon(save: () => void): void {
    this.#save = save;
    if (this.#isSet) return;
    this.#isSet = true;
    this.#saving.set(SAVE_MS, () => {
      this.#isSet = false;
      save();
    });
  }

  /** Writes what waits. Resolves once the store has taken it, or has refused it. */
  async close(): Promise<void> {
    this.#saving.clear();
    if (this.#isSet) this.#save?.();
    this.#isSet = false;
    await this.#writing;
  }

  /** Deletes all that this device has kept. Nothing is to be written any more. */
  async forget(): Promise<void> {
    const { store, prefix } = this.#parts;
    this.#waiting.clear();
    for (const key of await store.keys(prefix)) await store.delete(key);
  }

  /** What the store refuses is tried again with the next value. Until then `SEEN` must not be ahead of it. */
  async #write(): Promise<void> {
    const refused = new Map<string, unknown>();
    let error: unknown;
    for (const [key, value] of this.#waiting) {
      this.#waiting.delete(key);
      try {
        if (key !== SEEN || refused.size === 0) {
          await this.#writeOne(key, value);
          refused.delete(key);
        } else refused.set(key, value);
      } catch (thrown) {
        error = thrown;
        refused.set(key, value);
      }
    }
    for (const [key, value] of refused) this.#waiting.set(key, value);
    this.#writing = undefined;
    this.onWritten(error);
  }

  async #writeOne(key: string, value: unknown): Promise<void> {
    const { store, prefix } = this.#parts;
    if (value === undefined) await store.delete(prefix + key);
    else await store.set(prefix + key, value);
  }
}

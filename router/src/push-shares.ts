import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import type { PushEntry } from "./push-entries.ts";
import { amongOf } from "./push-entries.ts";
import type { PushText } from "./push-texts.ts";
import { textsOf } from "./push-texts.ts";

/**
 * Bytes that the entries of one user may have in the long run, per second, and at once. In 24 hours that is
 * a tenth of the push queue: nobody can flush out of it what others have missed.
 */
const SHARE_BYTES_PER_SECOND = 256;
const SHARE_BYTES_AT_ONCE = 1_048_576;
/** Most bytes of entries that are held back. Beyond it the oldest are dropped. */
const HELD_BYTES_MAX = 16_777_216;
/** A held entry, without the content of its texts. */
const HELD_BYTES = 400;
const heldBytes = ({ bytes }: Held): number => HELD_BYTES + 2 * bytes; // As an object, and as JSON.

interface Held {
  readonly partition: number;
  readonly by: string;
  readonly entry: PushEntry;
  readonly texts: readonly PushText[];
  /** Of the texts alone. */
  readonly bytes: number;
}

/** Entries that may go now, as texts, and how many were replaced by a later one or dropped. */
export interface Admitted {
  readonly texts: readonly PushText[];
  readonly coalesced: number;
  readonly dropped: number;
}

/** Whose act an entry tells: who has sent the message, or has read. */
const actorOf = (entry: PushEntry): string => (entry.is === "message" ? entry.from : entry.user);

/**
 * Shares the push queue out by sender. Entries of a sender who is over the limit wait here, one for each
 * conversation: the latest stands for those before it. It is lost if the router is killed.
 */
export class PushShares {
  readonly #entryBytesMax: number;
  readonly #buckets = new TokenBuckets(SHARE_BYTES_PER_SECOND, SHARE_BYTES_AT_ONCE);
  /** The oldest comes first. */
  readonly #held = new Map<string, Held>();
  #heldBytes = 0;

  constructor(entryBytesMax: number) {
    this.#entryBytesMax = entryBytesMax;
  }

  /** Number of entries that are held back. */
  get size(): number {
    return this.#held.size;
  }

  /** Approximate bytes that they hold. */
  get bytes(): number {
    return this.#heldBytes;
  }

  /** `now` is monotonic. */
  admit(partition: number, entries: readonly PushEntry[], now: number): Admitted {
    const texts: PushText[] = [];
    let coalesced = 0;
    for (const entry of entries) {
      const by = actorOf(entry);
      const key = `${entry.is} ${by} ${entry.conversation}`;
      const earlier = this.#held.get(key);
      if (earlier !== undefined) {
        coalesced += 1;
        this.#forget(key, earlier);
      }
      const held = this.#heldOf(partition, earlier === undefined ? entry : standingFor(entry, earlier.entry));
      if (this.#buckets.spend(by, held.bytes, now) === 0) texts.push(...held.texts);
      else this.#hold(key, held);
    }
    return { texts, coalesced, dropped: this.#trim() };
  }

  /** Takes out what its senders may have sent by now; with `partition`, all of that partition. */
  take(now: number, partition?: number): ReadonlyMap<number, readonly PushText[]> {
    this.#buckets.sweep(now);
    const taken = new Map<number, PushText[]>();
    for (const [key, held] of this.#held) {
      const isDue =
        partition === undefined
          ? this.#buckets.spend(held.by, held.bytes, now) === 0
          : held.partition === partition;
      if (!isDue) continue;
      this.#forget(key, held);
      const texts = taken.get(held.partition) ?? [];
      texts.push(...held.texts);
      taken.set(held.partition, texts);
    }
    return taken;
  }

  #heldOf(partition: number, entry: PushEntry): Held {
    const texts = textsOf(entry, this.#entryBytesMax);
    const bytes = texts.reduce((sum, text) => sum + text.bytes, 0);
    return { partition, by: actorOf(entry), entry, texts, bytes };
  }

  #hold(key: string, held: Held): void {
    this.#held.set(key, held);
    this.#heldBytes += heldBytes(held);
  }

  #forget(key: string, held: Held): void {
    this.#held.delete(key);
    this.#heldBytes -= heldBytes(held);
  }

  #trim(): number {
    let dropped = 0;
    for (const [key, held] of this.#held) {
      if (this.#heldBytes <= HELD_BYTES_MAX) break;
      this.#forget(key, held);
      dropped += 1;
    }
    return dropped;
  }
}

/**
 * The entry with the higher seq, with the mentions of both, since nobody else tells of these. A new owner may
 * tell an earlier one again.
 */
function standingFor(one: PushEntry, other: PushEntry): PushEntry {
  const [earlier, later] = one.seq < other.seq ? [one, other] : [other, one];
  if (later.is === "read" || earlier.is === "read") return later;
  const { mentions = [] }: QueuedMessage = earlier;
  const named = mentions.length === 0 ? [] : amongOf(later.to, [...(later.mentions ?? []), ...mentions]);
  return named.length === 0 ? later : { ...later, mentions: named };
}

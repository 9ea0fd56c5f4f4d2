import type { Notice } from "@jichat/protocol/bus/notice.ts";

/** On V8's heap, about (`effect-bytes.test.ts`): a notice without what its texts and names hold. */
const NOTICE_BYTES = 300;
/** The name of a user whom only this notice names. */
const NAME_BYTES = 60;
/** Of one notice: `parcels.ts` relies on it to put each into one message. A larger one is shed at once. */
const ONE_BYTES_MAX = 131_072;

const bytesOf = ({ frame, key, users }: Notice): number =>
  NOTICE_BYTES + 2 * (frame.length + key.length) + NAME_BYTES * users.length;

/**
 * Notices that wait to be told, one for each key: the one with the highest order. They are the first to go
 * under load, those that have waited longest before the others.
 */
export class Notices {
  /** Allocated lazily: most units have no notice. The oldest is first. */
  #byKey: Map<string, Notice> | undefined;
  #bytes = 0;
  #shed = 0;

  /** What they hold, about. */
  get bytes(): number {
    return this.#bytes;
  }

  put(notice: Notice): void {
    const known = this.#byKey?.get(notice.key);
    if (known !== undefined && known.order >= notice.order) return;
    const bytes = bytesOf(notice);
    if (bytes > ONE_BYTES_MAX) {
      this.#shed += 1;
      return;
    }
    const byKey = (this.#byKey ??= new Map<string, Notice>());
    if (known !== undefined) this.#remove(byKey, known);
    byKey.set(notice.key, notice);
    this.#bytes += bytes;
  }

  /** Takes over what is in `later`, and its count of those that were let go. */
  putAll(later: Notices): void {
    for (const notice of later) this.put(notice);
    this.#shed += later.takeShed();
  }

  /** Lets go the oldest until the others hold no more than `bytesMax`. */
  shed(bytesMax: number): void {
    if (this.#byKey === undefined || this.#bytes <= bytesMax) return;
    for (const notice of this.#byKey.values()) {
      this.#remove(this.#byKey, notice);
      this.#shed += 1;
      if (this.#bytes <= bytesMax) return;
    }
  }

  /** How many were let go since this was last asked, those that a later one replaced not among them. */
  takeShed(): number {
    const shed = this.#shed;
    this.#shed = 0;
    return shed;
  }

  [Symbol.iterator](): Iterator<Notice> {
    return (this.#byKey ?? NONE).values();
  }

  #remove(byKey: Map<string, Notice>, notice: Notice): void {
    byKey.delete(notice.key);
    this.#bytes -= bytesOf(notice);
  }
}

const NONE: ReadonlyMap<string, Notice> = new Map();

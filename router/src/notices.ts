import type { Notice } from "@jichat/protocol/bus/notice.ts";

/**
 * Approximate bytes on V8's heap (`effect-bytes.test.ts`) of a notice without the content of its texts and
 * names.
 */
const NOTICE_BYTES = 300;
/** Bytes of a user's name that only this notice holds. */
const NAME_BYTES = 60;
/**
 * Most bytes of one notice. A larger one is shed at once. `parcels.ts` relies on it to fit each notice into
 * one message.
 */
const ONE_BYTES_MAX = 131_072;

const bytesOf = ({ frame, key, users }: Notice): number =>
  NOTICE_BYTES + 2 * (frame.length + key.length) + NAME_BYTES * users.length;

/**
 * Waiting notices, one for each key: the one with the highest order. They are shed first under load, the
 * oldest before the others.
 */
export class Notices {
  /** Allocated lazily: most units have no notice. The oldest comes first. */
  #byKey: Map<string, Notice> | undefined;
  #bytes = 0;
  #shed = 0;

  /** Approximate bytes of memory that they hold. */
  get bytes(): number {
    return this.#bytes;
  }

  put(notice: Notice): void {
    const known = this.#byKey?.get(notice.key);
    if (known !== undefined && known.order > notice.order) return;
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

  /** Adds all notices of `later`, and its count of shed ones. */
  putAll(later: Notices): void {
    for (const notice of later) this.put(notice);
    this.#shed += later.takeShed();
  }

  /** Sheds the oldest notices until the others hold at most `bytesMax`. */
  shed(bytesMax: number): void {
    if (this.#byKey === undefined || this.#bytes <= bytesMax) return;
    for (const notice of this.#byKey.values()) {
      this.#remove(this.#byKey, notice);
      this.#shed += 1;
      if (this.#bytes <= bytesMax) return;
    }
  }

  /** How many were shed since the last call. A notice that a later one replaced does not count. */
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

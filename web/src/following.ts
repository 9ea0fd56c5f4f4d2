/** A reader who moves up by more than this leaves, and who comes down as near to the end follows again. */
const NEAR_PX = 80;
/** Browsers round what is at the end. */
const SLACK_PX = 2;
/** What moves up again after this time moves for another reason. */
const PAUSE_MS = 500;

/** Where a view is in its lines, in pixels from their beginning. */
export interface Place {
  readonly top: number;
  readonly bottom: number;
}

/**
 * Whether a view of lines stays at their end as lines arrive.
 *
 * The distance from the end says nothing of that: lines that have just arrived are below the view until it
 * is put to the end again. So a view is left behind only by who moves it up. The page itself says where it
 * has put the view, so what is higher than that was moved by the reader. Where lines arrive in each frame,
 * the view is put back while it is still being moved: so short ways up add up.
 *
 * A view that gets another size moves one of its edges. It was moved by a reader only if both have moved.
 */
export class Following {
  #isOn = true;
  #at: Place = { top: 0, bottom: 0 };
  #risen = 0;
  #risenAt = Number.NEGATIVE_INFINITY;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The reader wants the end. */
  start(): void {
    this.#isOn = true;
    this.#risen = 0;
  }

  /** The reader wants another place. */
  stop(): void {
    this.#isOn = false;
  }

  /** The page has put the view there. */
  put(at: Place): void {
    this.#at = at;
  }

  /** The view is there, and the lines have so many pixels. `now` is in monotonic milliseconds. */
  look(at: Place, height: number, now: number): void {
    const before = this.#at;
    this.#at = at;
    const rest = height - at.bottom;
    const risen = Math.min(before.top - at.top, before.bottom - at.bottom);
    if (rest <= SLACK_PX) {
      // The page may have put it there a moment ago: what the reader has moved by then still counts.
      this.#isOn = true;
    } else if (risen > 0) {
      this.#risen = risen + (now - this.#risenAt > PAUSE_MS ? 0 : this.#risen);
      this.#risenAt = now;
      if (this.#risen > NEAR_PX) this.#isOn = false;
    } else if (at.bottom > before.bottom && rest < NEAR_PX) {
      this.#isOn = true;
    }
  }
}

import type { ChatEvent, Page } from "@jichat/protocol/frame/server-frame.ts";

/**
 * Events further ahead than this are dropped while the events before them are pulled: the pull brings them
 * again.
 */
const AHEAD_MAX = 1_000;

/**
 * One conversation as this device has seen it: contiguous up to `last`, and the events that came beyond a
 * hole.
 */
export class Timeline {
  last: number;
  /** The highest seq known to exist. */
  head: number;
  readonly #ahead = new Map<number, ChatEvent | undefined>();
  #mayBeginEarlier = false;

  constructor(last: number) {
    this.last = last;
    this.head = last;
  }

  /**
   * A timeline that a first sync listed. It begins after `last`, or at an earlier event that comes live: such
   * an event was in flight while the sync was answered, and has not been shown yet.
   */
  static listed(last: number): Timeline {
    const timeline = new Timeline(last);
    timeline.#mayBeginEarlier = true;
    return timeline;
  }

  get hasHole(): boolean {
    return this.head > this.last;
  }

  /**
   * Takes a live event. Returns the events that may be shown now, in order. If the event says that `me` has
   * joined again, everything before it is out of reach.
   */
  insert(event: ChatEvent, me: string): readonly ChatEvent[] {
    if (event.seq <= this.last) {
      if (!this.#mayBeginEarlier) return [];
      this.last = event.seq - 1;
    }
    const isBirth =
      (event.kind === "created" || event.kind === "joined") && event.users?.includes(me) === true;
    if (isBirth) this.last = event.seq - 1;
    this.head = Math.max(this.head, event.seq);
    const isKept = this.#ahead.size < AHEAD_MAX || event.seq === this.last + 1;
    if (isKept && !this.#ahead.has(event.seq)) this.#ahead.set(event.seq, event);
    return this.#release();
  }

  /** Takes an event of one's own, known by its ack. It is present, and is not shown again. */
  own(seq: number): readonly ChatEvent[] {
    if (seq <= this.last) return [];
    this.head = Math.max(this.head, seq);
    this.#ahead.set(seq, undefined);
    return this.#release();
  }

  /**
   * Takes a page that was pulled after `last`. An event for which `isOwn` is true is present, and is not
   * shown.
   */
  fill(
    page: Pick<Page, "events" | "first" | "head" | "more">,
    isOwn: (event: ChatEvent) => boolean = () => false,
  ): readonly ChatEvent[] {
    this.last = Math.max(this.last, page.first - 1);
    this.head = Math.max(this.head, page.head);
    const wanted = page.events.filter(({ seq }) => seq > this.last);
    for (const event of wanted)
      if (!this.#ahead.has(event.seq)) this.#ahead.set(event.seq, isOwn(event) ? undefined : event);
    const released = this.#release();
    // A user who has left can pull no further: the events known to be above are out of reach.
    if (!page.more && page.events.length === 0)
      this.head = Math.min(this.head, Math.max(this.last, page.head));
    return released;
  }

  #release(): ChatEvent[] {
    const released: ChatEvent[] = [];
    while (this.#ahead.has(this.last + 1)) {
      this.last += 1;
      const event = this.#ahead.get(this.last);
      this.#ahead.delete(this.last);
      if (event !== undefined) released.push(event);
    }
    for (const seq of this.#ahead.keys()) if (seq <= this.last) this.#ahead.delete(seq);
    if (released.length > 0) this.#mayBeginEarlier = false;
    return released;
  }
}

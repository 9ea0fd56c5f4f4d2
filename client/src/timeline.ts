import type { ChatEvent, Page } from "@jichat/protocol/frame/server-frame.ts";

/**
 * Events further ahead than this are not kept while what is before them is pulled: they come with the pull.
 */
const AHEAD_MAX = 1_000;

/**
 * One conversation as this device has seen it: contiguous up to `last`, and what has come ahead of a hole.
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
   * One that a first sync listed: it begins behind `last`, or at what still comes live from before. That was
   * on its way while the sync was answered, and nobody has shown it yet.
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
   * Takes an event that came live; returns those that may be shown now, in order. `me` has joined anew: what
   * is before is not theirs.
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

  /** An event of one's own, known by its ack: it is there, and is not shown again. */
  own(seq: number): readonly ChatEvent[] {
    if (seq <= this.last) return [];
    this.head = Math.max(this.head, seq);
    this.#ahead.set(seq, undefined);
    return this.#release();
  }

  /** Takes a page that was pulled behind `last`. What `isOwn` is there, and is not shown. */
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
    // One who has left can pull no further: what is known to be above is not theirs.
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

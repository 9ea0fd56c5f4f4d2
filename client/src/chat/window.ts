import { ChatError } from "@jichat/protocol/errors.ts";
import type { ConversationEvent, HistoryPage, LineEvent } from "../events.ts";
import { folded, isBirthOf, isLine } from "./fold.ts";

/** What became of a live event: shown or known, of no concern to this window, or beyond a hole. */
export type Taken = "taken" | "elsewhere" | "hole";

/**
 * A part of a conversation without a hole, in its present form: the lines among the events `from` to `to`. It
 * holds at most `linesMax` lines. What exceeds them is dropped at the other end, and can be paged back.
 */
export class Window<B> {
  readonly #linesMax: number;
  #lines: LineEvent<B>[] = [];
  #from = 1;
  #to = 0;
  #hasOlder = true;
  /** Whether this is the newest part: then live events are appended. */
  #follows = false;
  #isLoaded = false;
  #view: readonly LineEvent<B>[] = [];
  #isViewed = true;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }
  get from(): number {
    return this.#from;
  }
  get to(): number {
    return this.#to;
  }
  get hasOlder(): boolean {
    return this.#hasOlder;
  }
  get follows(): boolean {
    return this.#follows;
  }

  /** The seq of the first line. */
  get first(): number | undefined {
    return this.#lines[0]?.seq;
  }

  /** False if a line has changed since `lines` was read. */
  get isViewed(): boolean {
    return this.#isViewed;
  }

  /** The same array until a line changes. */
  get lines(): readonly LineEvent<B>[] {
    if (!this.#isViewed) this.#view = this.#lines.slice();
    this.#isViewed = true;
    return this.#view;
  }

  clear(): void {
    this.#set([], 1, 0);
    this.#isLoaded = false;
    this.#follows = false;
    this.#hasOlder = true;
  }

  /** Replaces everything by a page that was asked without a place, or before one. */
  restart(page: HistoryPage<B>): void {
    const { events, head, more } = checked(page);
    const last = events.at(-1)?.seq;
    this.#set(events.filter(isLine), events[0]?.seq ?? head + 1, last ?? head);
    this.#isLoaded = true;
    this.#hasOlder = more;
    this.#follows = this.#to >= head;
  }

  /** Adds the page before `from`. Drops the newest lines that are too many. */
  older(page: HistoryPage<B>): void {
    const { events, more } = checked(page);
    const last = events.at(-1)?.seq;
    if (last !== undefined && last !== this.#from - 1) throw hole(last, this.#from);
    this.#hasOlder = more;
    const lines = [...events.filter(isLine), ...this.#lines];
    const kept = lines.slice(0, this.#linesMax);
    if (kept.length < lines.length) this.#follows = false;
    const to = kept.length < lines.length ? (kept.at(-1)?.seq ?? this.#to) : this.#to;
    this.#set(kept, events[0]?.seq ?? this.#from, to);
  }

  /** Adds the page after `to`. Drops the oldest lines that are too many. */
  newer(page: HistoryPage<B>): void {
    const { events, more, head, first } = checked(page);
    const at = events[0]?.seq;
    // The user joined again meanwhile: what was before is out of reach.
    if (first > this.#to + 1) return this.restart({ ...page, more: false });
    if (at !== undefined && at !== this.#to + 1) throw hole(this.#to, at);
    this.#append(events.filter(isLine), more ? (events.at(-1)?.seq ?? this.#to) : Math.max(this.#to, head));
    this.#follows = !more;
  }

  /** Takes a live event. It may come again, late, or behind a page that has it already. */
  event(event: ConversationEvent<B>, me: string): Taken {
    if (!this.#isLoaded) return "elsewhere";
    if (isBirthOf(me, event) && event.seq > this.#to) {
      this.#set(isLine(event) ? [event] : [], event.seq, event.seq);
      this.#follows = true;
      this.#hasOlder = false;
      return "taken";
    }
    if (event.target !== undefined) this.#change(event, event.target);
    if (event.seq <= this.#to) return "taken";
    if (!this.#follows) return "elsewhere";
    if (event.seq > this.#to + 1) return "hole";
    this.#append(isLine(event) ? [event] : [], event.seq);
    return "taken";
  }

  /** `no` of the event `seq`, if it can be told from what is loaded. */
  noOf(seq: number): number | undefined {
    if (seq < this.#from || seq > this.#to) return undefined;
    return this.#lines.findLast((line) => line.seq <= seq)?.no;
  }

  /** Appends to the lines in place: a copy per event would cost as much as the window is long. */
  #append(lines: readonly LineEvent<B>[], to: number): void {
    this.#lines.push(...lines);
    this.#to = to;
    if (lines.length > 0) this.#isViewed = false;
    const spare = this.#lines.length - this.#linesMax;
    if (spare <= 0) return;
    this.#lines.splice(0, spare);
    this.#from = this.#lines[0]?.seq ?? to;
    this.#hasOlder = true;
  }

  #change(event: ConversationEvent<B>, target: number): void {
    const at = this.#lines.findLastIndex(({ seq }) => seq === target);
    const line = this.#lines[at];
    if (line === undefined) return;
    const changed = folded(line, event);
    if (changed === line) return;
    this.#lines[at] = changed;
    this.#isViewed = false;
  }

  #set(lines: LineEvent<B>[], from: number, to: number): void {
    this.#lines = lines;
    this.#from = from;
    this.#to = to;
    this.#isViewed = false;
  }
}

const hole = (before: number, after: number): ChatError =>
  new ChatError("INTERNAL", `the server's page leaves out events between ${before} and ${after}`);

/** A page without a hole. Throws INTERNAL for any other: it must not be shown as if it had none. */
function checked<B>(page: HistoryPage<B>): HistoryPage<B> {
  let before: number | undefined;
  for (const { seq } of page.events) {
    if (before !== undefined && seq !== before + 1) throw hole(before, seq);
    before = seq;
  }
  return page;
}

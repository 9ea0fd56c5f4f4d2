import { ChatError, isRetryable } from "@jichat/protocol/errors.ts";
import { reasonOf } from "../closed.ts";
import type { ConversationEvent, HistoryPage } from "../events.ts";
import type { PullOptions } from "../types.ts";
import type { Patience } from "./patience.ts";
import type { Loading, ThreadView } from "./types.ts";
import { Window } from "./window.ts";

/**
 * The first page is small, so that the newest lines appear soon. A reader who scrolls usually goes on. Both
 * fit twice into the window: what the reader sees stays in it when the next page comes.
 */
const [FIRST_PAGE, NEXT_PAGE] = [50, 100];
/** Events that may be heard while a page is on its way. More are pulled afterwards. */
const HEARD_MAX = 1_000;

export interface HistoryParts<B> {
  readonly me: string;
  readonly linesMax: number;
  readonly patience: Patience;
  readonly pull: (options: PullOptions) => Promise<HistoryPage<B>>;
  readonly onChange: () => void;
}

type Loaded<B> = Pick<ThreadView<B>, "lines" | "hasOlder" | "hasNewer" | "loading" | "error">;

/** The loaded window of one conversation, and how it is loaded: one page at a time. */
export class History<B> {
  readonly #parts: HistoryParts<B>;
  readonly #window: Window<B>;
  /** Pages that are on their way or wait, by what they are, and those around a place by the place too. */
  readonly #jobs = new Map<string, Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  #loading: Loading | undefined;
  #error: ChatError | undefined;
  /** What came while a page was on its way: the server may have made the page before. */
  #heard: ConversationEvent<B>[] = [];
  /** An event came that the window does not reach. */
  #hasHole = false;
  /** How often everything was forgotten. A page that was asked for before is of no use. */
  #life = 0;
  /** The place that was asked for last. */
  #around = 1;
  #view: Loaded<B> | undefined;

  constructor(parts: HistoryParts<B>) {
    this.#parts = parts;
    this.#window = new Window(parts.linesMax);
  }

  /** The same object until something changes. */
  get view(): Loaded<B> {
    const { lines, hasOlder, follows, isLoaded } = this.#window;
    this.#view ??= {
      lines,
      hasOlder,
      hasNewer: isLoaded && !follows,
      loading: this.#loading,
      error: this.#error,
    };
    return this.#view;
  }

  /** Loads the newest lines, unless lines are loaded. The view says how it went. */
  open(): void {
    if (!this.#window.isLoaded) void this.#start("latest");
  }

  /** Forgets everything, and loads the newest lines again if `isOpen`. */
  reset(isOpen: boolean): void {
    this.#life += 1;
    this.#window.clear();
    this.#heard = [];
    this.#hasHole = false;
    this.#error = undefined;
    this.#changed();
    if (isOpen) void this.#start("latest");
  }

  /**
   * Resolves once the page is there, or if a place that was asked for later takes its turn. An outage is
   * waited out. Rejects for an error that will not pass, and with UNAVAILABLE once the chat is closed.
   */
  load(what: Loading, around = 1): Promise<void> {
    if (what !== "around") return this.#start(this.#window.isLoaded ? what : "latest");
    this.#around = around;
    return this.#start(what, around);
  }

  event(event: ConversationEvent<B>): void {
    if (this.#loading !== undefined && this.#heard.push(event) > HEARD_MAX) this.#heard.shift();
    this.#take(event);
  }

  /** Whether the event `seq` is part of what is shown, or will not be: the window ends before it. */
  isPast(seq: number): boolean {
    const { isLoaded, follows, to } = this.#window;
    return isLoaded ? !follows || to >= seq : this.#loading === undefined;
  }

  noOf(seq: number): number | undefined {
    return this.#window.noOf(seq);
  }

  #take(event: ConversationEvent<B>): void {
    const taken = this.#window.event(event, this.#parts.me);
    if (!this.#window.isViewed) this.#changed();
    if (taken !== "hole") return;
    this.#hasHole = true;
    if (this.#loading === undefined) void this.#start("newer");
  }

  #changed(): void {
    this.#view = undefined;
    this.#parts.onChange();
  }

  /** Pages come one after the other. A page that is asked for again is asked once. */
  #start(what: Loading, around?: number): Promise<void> {
    const key = what === "around" ? `around ${around}` : what;
    const known = this.#jobs.get(key);
    if (known !== undefined) return known;
    const job = this.#last.then(async () => this.#run(what, around)).finally(() => this.#jobs.delete(key));
    this.#jobs.set(key, job);
    this.#last = job.catch(() => undefined); // The view has the error, and so has the caller of `load`.
    return job;
  }

  async #run(what: Loading, around?: number): Promise<void> {
    if (around === undefined ? this.#isDone(what) : around !== this.#around) return;
    this.#heard = [];
    this.#loading = what;
    this.#error = undefined;
    this.#changed();
    try {
      await this.#try(what);
    } catch (thrown) {
      this.#error = reasonOf(thrown);
      throw this.#error;
    } finally {
      this.#loading = undefined;
      for (const event of this.#heard.splice(0)) this.#take(event);
      this.#changed();
    }
  }

  #isDone(what: Loading): boolean {
    const { hasOlder, follows, isLoaded } = this.#window;
    if (what === "older") return !hasOlder;
    return isLoaded && follows && !this.#hasHole;
  }

  /**
   * A page may hold nothing but edits: then the one before it is loaded too, until there is a line to show.
   */
  async #try(asked: Loading): Promise<void> {
    let what = asked;
    const { patience, pull } = this.#parts;
    for (let tries = 0; ; tries += 1) {
      if (patience.isOver) throw new ChatError("UNAVAILABLE", "this chat is closed");
      const life = this.#life;
      try {
        const page = await pull(this.#place(what));
        if (life !== this.#life) continue;
        const before = what === "older" ? this.#window.first : undefined;
        this.#merge(what, page);
        if (what === "newer" || !this.#window.hasOlder || this.#window.first !== before) return;
        what = "older";
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (!isRetryable(error.code)) throw error;
        await patience.wait(error, tries);
      }
    }
  }

  #place(what: Loading): PullOptions {
    const { from, to } = this.#window;
    const half = Math.floor(this.#parts.linesMax / 2);
    const [first, next] = [Math.min(FIRST_PAGE, half), Math.min(NEXT_PAGE, half)];
    const { isLoaded } = this.#window;
    if (what === "older" && isLoaded) return { before: from, limit: next };
    if (what === "newer" && isLoaded) return { after: to, limit: next };
    if (what === "around") return { before: this.#around + Math.ceil(first / 2), limit: first };
    return { limit: first };
  }

  #merge(what: Loading, page: HistoryPage<B>): void {
    this.#hasHole = false;
    const { isLoaded } = this.#window;
    if (what === "older" && isLoaded) this.#window.older(page);
    else if (what === "newer" && isLoaded) this.#window.newer(page);
    else this.#window.restart(page);
  }
}

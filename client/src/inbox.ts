import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import type {
  ChatEvent,
  Page,
  ServerFrame,
  SettingsFrame,
  Synced,
} from "@jichat/protocol/frame/server-frame.ts";
import { reasonOf } from "./closed.ts";
import type { FirstSync } from "./connection.ts";
import type { ConversationEvent } from "./events.ts";
import { PageSize } from "./page-size.ts";
import { Timeline } from "./timeline.ts";
import type { Body, Conversation, Notice, PullOptions, SeenState } from "./types.ts";

/** The number of events that are kept for a reset. Older ones are pulled. */
const HEARD_MAX = 1_000;
/**
 * The least time between two tries after a refusal. It doubles with each try if waiting alone does not help.
 */
const [RETRY_MS, RETRY_MS_MAX] = [500, 30_000];

/** A request to the server. It gets its `id` when it is sent. */
export interface Asked {
  readonly t: string;
  readonly [field: string]: unknown;
}

/** The parts of the client that the inbox needs. */
export interface InboxHost {
  readonly clock: Clock;
  user(): string;
  isOnline(): boolean;
  /** Whether this is a message of this device, for which only the ack counts: it is not shown as an event. */
  isOwn(event: ChatEvent): boolean;
  emit(notice: Notice): void;
  /**
   * Reports an error that no caller sees: the request was refused, and is not repeated on this connection.
   */
  trouble(error: ChatError): void;
  ask(frame: Asked): Promise<ServerFrame>;
  pull(conversation: string, options: PullOptions): Promise<Page>;
}

/** Something that was heard of a conversation: an event, or only the seq of one of our own events. */
interface Heard {
  readonly conversation: string;
  readonly seq: number;
  readonly event?: ChatEvent;
}

/** What this device has seen of each conversation, and how it gets what it missed. */
export class Inbox {
  readonly #host: InboxHost;
  readonly #timelines = new Map<string, Timeline>();
  readonly #size = new PageSize();
  readonly #repairing = new Map<string, Promise<void>>();
  #cursor: string | undefined;
  #synced = false;
  #syncing = false;
  #syncAgain = false;
  /** The sync that was sent with the hello of the present connection, until it is used. */
  #first: FirstSync | undefined;
  #early: Heard[] = [];
  /**
   * What came on this connection before its first sync was answered. It belongs to the new life if that
   * answer is a reset.
   */
  #heard: Heard[] | undefined;
  /** Settings that were told while a sync was asked, by conversation: its answer may be older. */
  readonly #told = new Map<string, SettingsFrame>();
  readonly #stopping = new AbortController();

  constructor(host: InboxHost, resume: SeenState | undefined) {
    this.#host = host;
    this.#cursor = resume?.cursor;
    for (const [conversation, seq] of Object.entries(resume?.seqs ?? {}))
      this.#timelines.set(conversation, new Timeline(seq));
  }

  /** Undefined before the first sync is done. */
  seen(): SeenState | undefined {
    if (this.#cursor === undefined) return undefined;
    return {
      cursor: this.#cursor,
      seqs: Object.fromEntries([...this.#timelines].map(([id, { last }]) => [id, last])),
    };
  }

  /**
   * Without `echo`, the ack is the only sign of one's own event, so the event must not look like a hole. In a
   * conversation that this device has made, the `created` event before it is a hole, and is pulled.
   */
  own(conversation: string, seq: number): void {
    this.#hear({ conversation, seq });
  }

  /** Takes an event that came live. */
  event(event: ChatEvent): void {
    const { conversation, seq } = event;
    this.#hear(this.#host.isOwn(event) ? { conversation, seq } : { conversation, seq, event });
  }

  /** Takes the user's own settings in a conversation. */
  settings(frame: SettingsFrame): void {
    if (this.#syncing) this.#told.set(frame.conversation, frame);
    this.#host.emit(frame);
  }

  /** What a sync lists, with the settings that were told meanwhile if they are later ones. */
  #withTold(listed: Conversation): Conversation {
    const told = this.#told.get(listed.conversation);
    if (told === undefined || "left" in listed || told.at <= (listed.settingsAt ?? 0)) return listed;
    return { ...listed, muted: told.muted, settingsAt: told.at };
  }

  #hear(heard: Heard): void {
    const { conversation, seq, event } = heard;
    if (this.#heard !== undefined && this.#heard.push(heard) > HEARD_MAX) this.#heard.shift();
    // Before the first sync, the beginning of a conversation on this device is unknown; the sync tells it.
    if (!this.#synced && !this.#timelines.has(conversation)) {
      this.#early.push(heard);
      return;
    }
    const timeline = this.#timelineOf(conversation);
    this.#show(event === undefined ? timeline.own(seq) : timeline.insert(event, this.#host.user()));
    if (timeline.hasHole) void this.#repair(conversation, timeline);
  }

  #show(events: readonly ChatEvent[]): void {
    // A frame's kind is not checked: a later server may send kinds that this client does not know.
    for (const event of events) this.#host.emit({ t: "event", event: event as ConversationEvent<Body> });
  }

  /** Stops all requests. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * Resolves after the delay, or when the inbox is stopped. The caller then checks whether there is work
   * left.
   */
  async #wait(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#host.clock.sleep(ms, this.#stopping.signal).catch(() => undefined);
  }

  /** After the first sync, a conversation that the sync did not list has not been seen at all. */
  #timelineOf(conversation: string): Timeline {
    const timeline = this.#timelines.get(conversation) ?? new Timeline(0);
    this.#timelines.set(conversation, timeline);
    return timeline;
  }

  /**
   * Where a conversation begins on a device that has seen nothing: at its head, or before the events that
   * came during the sync. Acks do not count, since the ack of a repeated send may name a place long ago.
   */
  #before(conversation: string, head: number): number {
    return this.#early.reduce(
      (last, { event }) => (event?.conversation === conversation ? Math.min(last, event.seq - 1) : last),
      head,
    );
  }

  /** The server reports a gap: something was not delivered, in one conversation or in any. */
  gap(conversation: string | undefined, head = 0): void {
    const timeline = conversation === undefined ? undefined : this.#timelines.get(conversation);
    if (conversation === undefined || timeline === undefined) {
      void this.sync();
      return;
    }
    timeline.head = Math.max(timeline.head, head);
    if (timeline.hasHole) void this.#repair(conversation, timeline);
  }

  /** Pulls until there is no hole. Only one pull per conversation runs at a time. */
  #repair(conversation: string, timeline: Timeline): Promise<void> {
    const running = this.#repairing.get(conversation);
    if (running !== undefined) return running;
    const repair = this.#pullMissing(conversation, timeline).finally(() => {
      if (this.#isHeld(conversation, timeline)) this.#repairing.delete(conversation);
    });
    this.#repairing.set(conversation, repair);
    return repair;
  }

  /** False for a timeline of a life that was reset. */
  #isHeld(conversation: string, timeline: Timeline): boolean {
    return this.#timelines.get(conversation) === timeline;
  }

  async #pullMissing(conversation: string, timeline: Timeline): Promise<void> {
    while (timeline.hasHole && this.#host.isOnline() && this.#isHeld(conversation, timeline)) {
      try {
        const { limit } = this.#size;
        const { last } = timeline;
        const page = await this.#host.pull(conversation, { after: last, limit });
        this.#size.came();
        if (!this.#isHeld(conversation, timeline)) return;
        this.#show(timeline.fill(page, (event) => this.#host.isOwn(event)));
        // A pull that brought nothing is not repeated at once.
        if (timeline.last === last && timeline.hasHole) await this.#wait(RETRY_MS);
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (error.code === "NOT_FOUND") timeline.head = timeline.last;
        else if (!isRetryable(error.code)) {
          // The hole stays, and the cursor stays before it: the next connection asks again.
          this.#host.trouble(error);
          return;
        } else {
          this.#size.failed();
          await this.#wait(error.retryAfterMs ?? RETRY_MS);
        }
      }
    }
  }

  /** The sync that a reconnecting device sends right after its hello. */
  firstSync(): FirstSync["asked"] {
    return { t: "sync", since: this.#cursor, limit: this.#size.limit };
  }

  /**
   * Learns what has changed since the last sync, and pulls it. Retries until it is done or the connection is
   * lost. `first` is a sync that was already sent; without it, the server is asked now.
   */
  async sync(first?: FirstSync): Promise<void> {
    this.#first = first;
    if (first !== undefined) {
      this.#heard = [];
      this.#told.clear();
    }
    this.#syncAgain = true;
    if (this.#syncing) return;
    this.#syncing = true;
    let refusals = 0;
    try {
      while (this.#syncAgain && this.#host.isOnline()) {
        this.#syncAgain = false;
        try {
          await this.#syncOnce();
          refusals = 0;
        } catch (thrown) {
          const error = reasonOf(thrown);
          this.#syncAgain = true;
          this.#size.failed();
          // The server cannot read this cursor: begin anew.
          if (error.code === "FRAME_MALFORMED" && this.#cursor !== undefined) this.#reset();
          else if (!isRetryable(error.code)) refusals += 1;
          await this.#wait(error.retryAfterMs ?? Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** refusals));
        }
      }
    } finally {
      this.#syncing = false;
    }
  }

  /** Uses the sync that the connection began with, unless the cursor has moved since then. */
  async #firstPage(): Promise<Synced> {
    const first = this.#first;
    this.#first = undefined;
    const isFresh = first !== undefined && first.asked.since === this.#cursor;
    if (!isFresh) this.#told.clear();
    return (await (isFresh ? first.reply : this.#host.ask(this.firstSync()))) as Synced;
  }

  async #nextPage(page: string): Promise<Synced> {
    return (await this.#host.ask({ t: "sync", page, limit: this.#size.limit })) as Synced;
  }

  /** The cluster has begun anew, so everything that is held belongs to an earlier life. */
  #reset(): void {
    this.#cursor = undefined;
    this.#synced = false;
    this.#timelines.clear();
    this.#repairing.clear();
    this.#early = this.#heard ?? [];
    this.#host.emit({ t: "reset" });
  }

  async #syncOnce(): Promise<void> {
    let since = this.#cursor;
    let page: string | undefined;
    let cursor: string | undefined;
    do {
      const reply = page === undefined ? await this.#firstPage() : await this.#nextPage(page);
      this.#size.came();
      if (reply.reset === true) {
        this.#reset();
        since = undefined;
        cursor = undefined;
      }
      this.#heard = undefined;
      const conversations = reply.conversations.map((listed) => this.#withTold(listed));
      this.#host.emit({ t: "conversations", conversations, complete: !reply.more });
      for (const listed of reply.conversations) {
        const head = "left" in listed ? listed.left : listed.head;
        let timeline = this.#timelines.get(listed.conversation);
        if (timeline === undefined) {
          // At the very first sync, the past is left to be pulled on demand. Later, it is what this device
          // missed.
          timeline =
            since === undefined
              ? Timeline.listed(this.#before(listed.conversation, head))
              : new Timeline("left" in listed ? head : listed.first - 1);
          this.#timelines.set(listed.conversation, timeline);
        }
        timeline.head = Math.max(timeline.head, head);
      }
      cursor ??= reply.cursor;
      page = reply.next;
    } while (page !== undefined);
    this.#synced = true;
    for (const heard of this.#early.splice(0)) this.#hear(heard);
    // Repairs every hole, whether listed now or left from a lost connection. The cursor moves only after
    // that.
    const wanted = [...this.#timelines]
      .filter(([, timeline]) => timeline.hasHole)
      .map(([id, timeline]) => ({ id, timeline, head: timeline.head }));
    await Promise.all(wanted.map(({ id, timeline }) => this.#repair(id, timeline)));
    const isRepaired = wanted.every(({ timeline, head }) => timeline.last >= head || !timeline.hasHole);
    if (this.#host.isOnline() && isRepaired) this.#cursor = cursor;
  }
}

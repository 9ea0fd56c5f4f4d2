import type { ChatError } from "@jichat/protocol/errors.ts";
import { ChatError as Failure, asChatError, isRetryable } from "@jichat/protocol/errors.ts";
import type { Ack, ChatEvent, Page, ServerFrame, Synced } from "@jichat/protocol/frame/server-frame.ts";
import { Closed, errorOf } from "./connection.ts";
import { encodingOf } from "./encoding.ts";
import { Feed } from "./feed.ts";
import { Link } from "./link.ts";
import type { OutFrame } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import { Timeline } from "./timeline.ts";
import type { Body, ChatOptions, ConnectionState, Notice, PullOptions, SeenState, SendOptions, Target, WriteResult } from "./types.ts";
import { IdMaker } from "./uuid.ts";

const OUTBOX_MAX = 1_000;
const FEED_MAX = 100_000;
const REPAIR_PAGE = 200;
const SYNC_PAGE = 200;
/** Frames whose ack names an event of ours; of the others it may be the head, where nothing was changed. */
const OWN_EVENT: ReadonlySet<string> = new Set(["send", "edit", "recall", "create", "rename"]);

/** One device of one user. Connects, resumes, keeps the order of what it sends, and repairs what it missed. */
export class ChatClient {
  readonly #options: ChatOptions;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #feeds = new Set<Feed<Notice>>();
  readonly #timelines = new Map<string, Timeline>();
  readonly #repairing = new Map<string, Promise<void>>();
  readonly #ids = new IdMaker(() => Date.now() + this.#skewMs);
  #skewMs = 0;
  #cursor: string | undefined;
  #synced = false;
  #syncing = false;
  #syncAgain = false;
  #early: ChatEvent[] = [];
  #state: ConnectionState = "offline";
  #user = "";

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#cursor = options.resume?.cursor;
    for (const [conversation, seq] of Object.entries(options.resume?.seqs ?? {})) this.#timelines.set(conversation, new Timeline(seq));
    const encoding = encodingOf(options.encoding ?? "json");
    this.#link = new Link(options, encoding, {
      onOnline: ({ welcome, skewMs }) => {
        this.#user = welcome.user;
        this.#skewMs = skewMs;
        this.#outbox.restart();
        void this.#sync();
      },
      onFrame: (frame) => { this.#take(frame); },
      onState: (state, error) => { this.#setState(state, error); },
    });
    this.#outbox = new Outbox(options.outboxMax ?? OUTBOX_MAX, (frame) => {
      const { connection } = this.#link;
      connection?.write(frame);
      return connection?.isOpen === true;
    });
  }

  /** Known from the first welcome on. */
  get user(): string {
    return this.#user;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Writes that wait for their acks. */
  get unacked(): number {
    return this.#outbox.size;
  }

  /** Connects, and resolves once this device is online; from then on it keeps itself there. Rejects when it was refused for good. */
  async connect(): Promise<void> {
    const feed = this.events();
    this.#link.start();
    for await (const notice of feed) {
      if (notice.t !== "state") continue;
      if (notice.state === "online") return;
      if (notice.state === "closed") throw notice.error ?? new Failure("UNAVAILABLE", "closed");
    }
  }

  /** Leaves. What is not acked yet is rejected; a later client may send it again under its id. */
  close(): void {
    this.#link.close();
  }

  /** Everything that happens from this call on, for one `for await`. */
  events(): Feed<Notice> {
    const feed: Feed<Notice> = new Feed(this.#options.feedMax ?? FEED_MAX, () => { this.#feeds.delete(feed); });
    this.#feeds.add(feed);
    return feed;
  }

  /** What this device has seen, to be kept and given as `resume` later. Undefined before the first sync is done. */
  seen(): SeenState | undefined {
    if (this.#cursor === undefined) return undefined;
    return { cursor: this.#cursor, seqs: Object.fromEntries([...this.#timelines].map(([id, { last }]) => [id, last])) };
  }

  /** Resolves with the message's seq once it is stored. Sends to one conversation keep their order, over reconnects too. */
  async send(target: Target, body: Body, options: SendOptions = {}): Promise<WriteResult> {
    const { id, replyTo, mentions } = options;
    return this.#write({ t: "send", ...target, body, replyTo, mentions }, id);
  }

  async edit(conversation: string, seq: number, body: Body): Promise<WriteResult> {
    return this.#write({ t: "edit", conversation, seq, body });
  }

  async recall(conversation: string, seq: number): Promise<WriteResult> {
    return this.#write({ t: "recall", conversation, seq });
  }

  /** Resolves with the new conversation's id. */
  async createGroup(name: string, members: readonly string[], id?: string): Promise<WriteResult> {
    return this.#write({ t: "create", kind: "group", name, members }, id);
  }

  async rename(conversation: string, name: string): Promise<WriteResult> {
    return this.#write({ t: "rename", conversation, name });
  }

  async invite(conversation: string, users: readonly string[]): Promise<WriteResult> {
    return this.#write({ t: "invite", conversation, users });
  }

  async remove(conversation: string, users: readonly string[]): Promise<WriteResult> {
    return this.#write({ t: "remove", conversation, users });
  }

  async leave(conversation: string): Promise<WriteResult> {
    return this.#write({ t: "leave", conversation });
  }

  /** Has read up to `seq`; resolves with the mark. */
  async read(conversation: string, seq: number): Promise<WriteResult> {
    return this.#write({ t: "read", conversation, seq });
  }

  /** A page of history, in rising seq. Rejects with NOT_FOUND where one is no member, with UNAVAILABLE while offline. */
  async pull(conversation: string, { after, before, limit }: PullOptions = {}): Promise<Page> {
    return await this.#ask({ t: "pull", conversation, after, before, limit }) as Page;
  }

  /** One's conversations, most recently active first, a page at a time. The client syncs by itself; this is to list. */
  async list({ page, limit }: { readonly page?: string | undefined; readonly limit?: number | undefined } = {}): Promise<Synced> {
    return await this.#ask({ t: "sync", page, limit }) as Synced;
  }

  async #ask(frame: object): Promise<ServerFrame> {
    const { connection } = this.#link;
    if (connection === undefined) throw new Failure("UNAVAILABLE", "this device is offline");
    try {
      return await connection.request(frame);
    } catch (thrown) {
      throw thrown instanceof Closed ? new Failure("UNAVAILABLE", "the connection was lost", { cause: thrown }) : thrown;
    }
  }

  async #write(frame: Omit<OutFrame, "id"> & Record<string, unknown>, id = this.#ids.next()): Promise<WriteResult> {
    if (this.#state === "closed") throw new Failure("UNAVAILABLE", "this client is closed");
    return this.#outbox.put({ ...frame, id });
  }

  #setState(state: ConnectionState, error?: ChatError): void {
    this.#state = state;
    this.#emit({ t: "state", state, error });
    if (state !== "closed") return;
    this.#outbox.fail(error ?? new Failure("UNAVAILABLE", "this client was closed before the ack came"));
    for (const feed of this.#feeds) feed.end();
  }

  #emit(notice: Notice): void {
    for (const feed of this.#feeds) feed.push(notice);
  }

  #take(frame: ServerFrame): void {
    switch (frame.t) {
      case "ack": return this.#acked(frame);
      case "error": {
        if (frame.id !== undefined) this.#outbox.refused(frame.id, errorOf(frame));
        return;
      }
      case "event": {
        const { t: _, ...event } = frame;
        return this.#event(event);
      }
      case "receipt": return this.#emit(frame);
      case "gap": return this.#gap(frame.conversation, frame.head);
      default: return;
    }
  }

  /** Without `echo` an ack is all that comes of one's own event: it must not look like a hole. */
  #acked(ack: Ack): void {
    const frame = this.#outbox.acked(ack);
    if (frame === undefined || this.#options.echo === true || !OWN_EVENT.has(frame.t)) return;
    const timeline = this.#timelines.get(ack.conversation);
    for (const event of timeline?.own(ack.seq) ?? []) this.#emit({ t: "event", event });
    if (timeline?.hasHole === true) void this.#repair(ack.conversation, timeline);
  }

  #event(event: ChatEvent): void {
    // Before the first sync nobody knows what this device has: its beginning is what the sync says.
    if (!this.#synced && !this.#timelines.has(event.conversation)) {
      this.#early.push(event);
      return;
    }
    let timeline = this.#timelines.get(event.conversation);
    if (timeline === undefined) {
      timeline = new Timeline(0);
      this.#timelines.set(event.conversation, timeline);
    }
    for (const shown of timeline.take(event, this.#user)) this.#emit({ t: "event", event: shown });
    if (timeline.hasHole) void this.#repair(event.conversation, timeline);
  }

  /** Where a conversation begins for a device that has seen nothing: at its head, or before what came while it asked. */
  #before(conversation: string, head: number): number {
    return this.#early.reduce((last, event) => (event.conversation === conversation ? Math.min(last, event.seq - 1) : last), head);
  }

  #gap(conversation: string | undefined, head = 0): void {
    const timeline = conversation === undefined ? undefined : this.#timelines.get(conversation);
    if (conversation === undefined || timeline === undefined) {
      void this.#sync();
      return;
    }
    timeline.head = Math.max(timeline.head, head);
    if (timeline.hasHole) void this.#repair(conversation, timeline);
  }

  /** Pulls what is missing until there is no hole; one pull per conversation at a time. */
  #repair(conversation: string, timeline: Timeline): Promise<void> {
    const running = this.#repairing.get(conversation);
    if (running !== undefined) return running;
    const repair = this.#pullMissing(conversation, timeline).finally(() => this.#repairing.delete(conversation));
    this.#repairing.set(conversation, repair);
    return repair;
  }

  async #pullMissing(conversation: string, timeline: Timeline): Promise<void> {
    while (timeline.hasHole && this.#link.connection !== undefined) {
      try {
        const page = await this.pull(conversation, { after: timeline.last, limit: REPAIR_PAGE });
        for (const event of timeline.fill(page)) this.#emit({ t: "event", event });
      } catch (thrown) {
        const error = asChatError(thrown);
        if (error.code === "NOT_FOUND") timeline.head = timeline.last;
        else if (!isRetryable(error.code)) throw error;
        else await new Promise((resolve) => { setTimeout(resolve, error.retryAfterMs ?? 500); });
      }
    }
  }

  /** Learns what has changed since the last sync and pulls it. Tried again until it is done or the connection is lost. */
  async #sync(): Promise<void> {
    this.#syncAgain = true;
    if (this.#syncing) return;
    this.#syncing = true;
    try {
      while (this.#syncAgain && this.#link.connection !== undefined) {
        this.#syncAgain = false;
        try {
          await this.#syncOnce();
        } catch (thrown) {
          const error = asChatError(thrown);
          this.#syncAgain = true;
          if (error.code === "FRAME_MALFORMED") this.#cursor = undefined; // Another cluster's cursor: begin anew.
          await new Promise((resolve) => { setTimeout(resolve, error.retryAfterMs ?? 500); });
        }
      }
    } finally {
      this.#syncing = false;
    }
  }

  async #syncOnce(): Promise<void> {
    const since = this.#cursor;
    let page: string | undefined;
    let cursor: string | undefined;
    do {
      const reply: Synced = await this.#ask({ t: "sync", since: page === undefined ? since : undefined, page, limit: SYNC_PAGE }) as Synced;
      this.#emit({ t: "conversations", conversations: reply.conversations, complete: !reply.more });
      for (const listed of reply.conversations) {
        const head = "left" in listed ? listed.left : listed.head;
        let timeline = this.#timelines.get(listed.conversation);
        if (timeline === undefined) {
          // At the very first sync the past is there to be pulled when it is wanted; later, it is what this device missed.
          timeline = new Timeline(since === undefined ? this.#before(listed.conversation, head) : "left" in listed ? head : listed.first - 1);
          this.#timelines.set(listed.conversation, timeline);
        }
        timeline.head = Math.max(timeline.head, head);
      }
      cursor ??= reply.cursor;
      page = reply.next;
    } while (page !== undefined);
    this.#synced = true;
    for (const event of this.#early.splice(0)) this.#event(event);
    // Whatever is missing, listed now or left over from a connection that was lost: the cursor moves behind it only then.
    await Promise.all([...this.#timelines].flatMap(([id, timeline]) => (timeline.hasHole ? [this.#repair(id, timeline)] : [])));
    if (this.#link.connection !== undefined) this.#cursor = cursor;
  }
}

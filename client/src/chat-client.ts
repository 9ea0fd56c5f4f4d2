import type { ChatError } from "@jichat/protocol/errors.ts";
import { ChatError as Failure } from "@jichat/protocol/errors.ts";
import type { Ack, Page, ServerFrame, Synced } from "@jichat/protocol/frame/server-frame.ts";
import { Closed, errorOf } from "./connection.ts";
import { encodingOf } from "./encoding.ts";
import { Feed } from "./feed.ts";
import { Inbox } from "./inbox.ts";
import { Link } from "./link.ts";
import type { Draft } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import type {
  Body,
  ChatOptions,
  ConnectionState,
  Notice,
  PullOptions,
  SeenState,
  SendOptions,
  Target,
  WriteResult,
} from "./types.ts";
import { IdMaker } from "./uuid.ts";

const OUTBOX_MAX = 1_000;
const FEED_MAX = 100_000;
/** Frames whose ack names an event of ours; of the others it may be the head, where nothing was changed. */
const OWN_EVENT: ReadonlySet<string> = new Set(["send", "edit", "recall", "create", "rename"]);

/**
 * One device of one user. Connects, resumes, keeps the order of what it sends, and repairs what it missed.
 */
export class ChatClient {
  readonly #options: ChatOptions;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #feeds = new Set<Feed<Notice>>();
  readonly #inbox: Inbox;
  readonly #ids = new IdMaker(() => this.#link.serverClock.now());
  #state: ConnectionState = "offline";
  #user = "";

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#inbox = new Inbox(
      {
        user: () => this.#user,
        isOnline: () => this.#link.connection !== undefined,
        emit: (notice) => {
          this.#emit(notice);
        },
        ask: (frame) => this.#ask(frame),
        pull: (conversation, page) => this.pull(conversation, page),
      },
      options.resume,
    );
    const encoding = encodingOf(options.encoding ?? "json");
    this.#link = new Link(options, encoding, {
      firstSync: () => this.#inbox.firstSync(),
      onOnline: ({ welcome, firstSync }) => {
        this.#user = welcome.user;
        this.#outbox.restart();
        void this.#inbox.sync(firstSync);
      },
      onFrame: (frame) => {
        this.#take(frame);
      },
      onState: (state, error) => {
        this.#setState(state, error);
      },
    });
    this.#outbox = new Outbox({
      max: options.outboxMax ?? OUTBOX_MAX,
      newId: () => this.newId(),
      transmit: (frame) => {
        const { connection } = this.#link;
        connection?.write(frame);
        return connection?.isOpen === true;
      },
    });
  }

  /** Known from the first welcome on. */
  get user(): string {
    return this.#user;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /**
   * An id as `send` makes them, on the server's clock: for who keeps what is to be sent until it is known to
   * be stored. Before the first welcome only the device's own clock is there.
   */
  newId(): string {
    return this.#ids.next();
  }

  /** Writes that wait for their acks. */
  get unacked(): number {
    return this.#outbox.size;
  }

  /**
   * Connects, and resolves once this device is online; from then on it keeps itself there. Rejects when it
   * was refused for good.
   */
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
    const feed: Feed<Notice> = new Feed(this.#options.feedMax ?? FEED_MAX, () => {
      this.#feeds.delete(feed);
    });
    this.#feeds.add(feed);
    return feed;
  }

  /**
   * What this device has seen, to be kept and given as `resume` later. Undefined before the first sync is
   * done.
   */
  seen(): SeenState | undefined {
    return this.#inbox.seen();
  }

  /**
   * Resolves with the message's seq once it is stored. Sends to one conversation keep their order, over
   * reconnects too.
   */
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

  /**
   * A page of history, in rising seq. Rejects with NOT_FOUND where one is no member, with UNAVAILABLE while
   * offline.
   */
  async pull(conversation: string, { after, before, limit }: PullOptions = {}): Promise<Page> {
    return (await this.#ask({ t: "pull", conversation, after, before, limit })) as Page;
  }

  /**
   * One's conversations, most recently active first, a page at a time. The client syncs by itself; this is
   * to list.
   */
  async list({
    page,
    limit,
  }: { readonly page?: string | undefined; readonly limit?: number | undefined } = {}): Promise<Synced> {
    return (await this.#ask({ t: "sync", page, limit })) as Synced;
  }

  async #ask(frame: object): Promise<ServerFrame> {
    const { connection } = this.#link;
    if (connection === undefined) throw new Failure("UNAVAILABLE", "this device is offline");
    try {
      return await connection.request(frame);
    } catch (thrown) {
      throw thrown instanceof Closed
        ? new Failure("UNAVAILABLE", "the connection was lost", { cause: thrown })
        : thrown;
    }
  }

  async #write(draft: Draft & Record<string, unknown>, id?: string): Promise<WriteResult> {
    if (this.#state === "closed") throw new Failure("UNAVAILABLE", "this client is closed");
    return this.#outbox.put({ ...draft, id });
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
      case "ack":
        return this.#acked(frame);
      case "error": {
        if (frame.id !== undefined) this.#outbox.refused(frame.id, errorOf(frame));
        return;
      }
      case "event": {
        const { t: _, ...event } = frame;
        return this.#inbox.event(event);
      }
      case "receipt":
        return this.#emit(frame);
      case "gap":
        return this.#inbox.gap(frame.conversation, frame.head);
      default:
        return;
    }
  }

  #acked(ack: Ack): void {
    const frame = this.#outbox.acked(ack);
    if (frame !== undefined && this.#options.echo !== true && OWN_EVENT.has(frame.t))
      this.#inbox.own(ack.conversation, ack.seq);
  }
}

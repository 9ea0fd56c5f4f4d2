import type { VerbName } from "@jichat/conversation/tables.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Ack, ChatEvent, Limits, ServerFrame, Synced } from "@jichat/protocol/frame/server-frame.ts";
import { Arrivals } from "./arrivals.ts";
import { ASKED_FIELDS, checkedFrame } from "./checked-frame.ts";
import { Closed, DROPPED } from "./closed.ts";
import { json } from "./encoding.ts";
import { errorOf } from "./error-of.ts";
import type { HistoryPage } from "./events.ts";
import type { Feed } from "./feed.ts";
import { Feeds } from "./feeds.ts";
import { Inbox } from "./inbox.ts";
import type { Asked } from "./inbox.ts";
import { Link } from "./link.ts";
import type { LinkEvents } from "./link-events.ts";
import type { Draft } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import { REAL } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";
import type {
  Body,
  ChatOptions,
  ConnectOptions,
  ConnectionState,
  ListOptions,
  MuteOptions,
  Notice,
  NoticeOf,
  PullOptions,
  SeenState,
  SendOptions,
  Status,
  Target,
  WriteFields,
  WriteResult,
} from "./types.ts";
import { VERB_FIELDS } from "./verb-fields.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";

const OUTBOX_MAX = 1_000;
const FEED_MAX = 100_000;
const CONNECT_MS = 30_000;
/**
 * A placeholder as long as an id of `newId`, so that a frame without an id can be checked at its final size.
 */
const ANY_ID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
/**
 * Frames whose ack names the event that they made. The ack of any other write that changed nothing names the
 * head.
 */
const OWN_EVENT: ReadonlySet<string> = new Set(["send", "edit", "recall", "create", "rename"]);

/**
 * One device of one user. It connects, resumes, keeps the order of what it sends, and repairs what it missed.
 * `B` is the type of the application's message bodies. The server does not check it.
 */
export class ChatClient<B extends object = Body> {
  readonly #options: ChatOptions;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #feeds: Feeds;
  readonly #inbox: Inbox;
  readonly #ids = new IdMaker(() => this.serverTime());
  readonly #arrivals: Arrivals;
  #status: Status = { state: "offline" };
  /** Why nothing is accepted any more. Set once the client is closed. */
  #over: ChatError | undefined;
  #user = "";
  #limits: Limits | undefined;
  /** What the application said last. Each new connection is told again: the server knows it of one alone. */
  #active: boolean | undefined;

  constructor(options: ChatOptions);
  /** @internal Tests replace the clock, the network and the sockets. */
  constructor(options: ChatOptions, around: Surroundings);
  constructor(options: ChatOptions, around: Surroundings = REAL) {
    this.#options = options;
    const { clock } = around;
    this.#arrivals = new Arrivals(clock);
    this.#feeds = new Feeds(options.feedMax ?? FEED_MAX);
    this.#inbox = new Inbox(
      {
        clock,
        user: () => this.#user,
        isOnline: () => this.#link.connection !== undefined,
        isOwn: (event) => this.#isOwn(event),
        emit: (notice) => {
          this.#feeds.emit(notice);
        },
        trouble: (error) => {
          this.#setStatus({ state: this.state, error });
        },
        ask: (frame) => this.#ask(frame),
        pull: (conversation, page) => this.pull(conversation, page),
      },
      options.resume,
    );
    const { encoding = "json" } = options;
    const events: LinkEvents = {
      firstSync: () => this.#inbox.firstSync(),
      onOnline: ({ welcome: { user, limits }, firstSync }) => {
        this.#user ||= options.user ?? user;
        // Nothing that waits may be sent in somebody else's name.
        if (this.#user !== user)
          return this.#link.close(new ChatError("INVALID", `the token is ${user}'s, not ${this.#user}'s`));
        this.#limits = limits;
        this.#outbox.restart();
        this.#tellActive();
        void this.#inbox.sync(firstSync);
      },
      onFrame: (frame) => this.#receive(frame),
      onStatus: (status) => this.#setStatus(status),
    };
    this.#link = new Link(options, encoding === "json" ? json : encoding, events, around);
    this.#outbox = new Outbox({
      max: options.outboxMax ?? OUTBOX_MAX,
      clock,
      newId: () => this.newId(),
      onOverdue: () => {
        this.#link.connection?.close(new Closed(DROPPED, "no answer for a minute"));
      },
      transmit: (frame) => this.#link.write(frame),
    });
  }

  /** Empty until the first welcome. */
  get user(): string {
    return this.#user;
  }

  get state(): ConnectionState {
    return this.#status.state;
  }

  /** The latest state, with its reason. The same object until it changes. */
  get status(): Status {
    return this.#status;
  }

  /**
   * Returns an id like those that `send` makes, by the server's clock. It is for applications that keep a
   * message until they know that it is stored. Before the first welcome, the id is made by the device's own
   * clock.
   */
  newId(): string {
    return this.#ids.next();
  }

  /**
   * The present time by the server's clock, in milliseconds since 1970. Before the first welcome, it is the
   * device's own.
   */
  serverTime(): number {
    return this.#link.serverClock.now();
  }

  /** The server's limits, as of the latest welcome. Undefined before the first one. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  /**
   * Tries again at once, in place of waiting for the `retryInMs` of `status`. Without a connection to make, it
   * does nothing.
   */
  retry(): void {
    this.#link.retryNow();
  }

  /**
   * Says whether somebody looks at this device. Who does is not told of new messages by push. It holds until
   * the next call, over reconnects too. The client watches nothing by itself: the `setActive` of a chat adds
   * what the page shows.
   */
  setActive(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    this.#tellActive();
  }

  /** A cluster that does not know the frame answers with an error without an id, which changes nothing. */
  #tellActive(): void {
    const active = this.#active;
    if (active !== undefined) this.#link.connection?.tell({ t: "state", active });
  }

  /** The number of writes that wait for their acks. */
  get unacked(): number {
    return this.#outbox.size;
  }

  /**
   * Connects, and resolves once this device is online. From then on, the client reconnects by itself. A
   * further call starts nothing new, and waits in the same way. Rejects at once, with the reason, if the
   * client is closed or was refused for good. Rejects with UNAVAILABLE after `timeoutMs`, with the latest
   * obstacle; the client still keeps trying until it is closed.
   */
  async connect({ timeoutMs = CONNECT_MS }: ConnectOptions = {}): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    if (this.state === "online") return;
    const arrived = this.#arrivals.next(timeoutMs);
    this.#link.start();
    await arrived;
  }

  /**
   * Closes the client for good. Whatever is pending is rejected with UNAVAILABLE. A later client may send a
   * write without an ack again, under the same id. Feeds end after the values that they hold.
   */
  close(): void {
    this.#link.close();
  }

  /**
   * Everything that happens from this call on, for one `for await`. The last notice says how the client
   * ended.
   */
  events(): Feed<Notice<B>> {
    return this.#feeds.open() as Feed<Notice<B>>;
  }

  /**
   * Calls `listener` at each notice of this type from now on, as soon as it is known. Returns a function that
   * stops it. `on("state", …)` is told of `closed` too, and after that nothing comes.
   */
  on<T extends Notice["t"]>(t: T, listener: (notice: NoticeOf<T, B>) => void): () => void {
    return this.#feeds.on(t, listener as (notice: NoticeOf<T>) => void);
  }

  /**
   * What this device has seen. Keep it, and pass it as `resume` later. Undefined until the first sync is
   * done.
   */
  seen(): SeenState | undefined {
    return this.#inbox.seen();
  }

  /**
   * Resolves with the message's seq once the message is stored. Sends to one conversation keep their order,
   * even over reconnects. Rejects at once, without sending anything: with FRAME_MALFORMED, which names the
   * field that the protocol does not accept; with FRAME_TOO_LARGE over the server's limits (while offline, as
   * soon as the limits are known); with BUSY if `outboxMax` writes are already waiting. All other writes do
   * the same.
   */
  async send(target: Target, body: B, { id, replyTo, mentions }: SendOptions = {}): Promise<WriteResult> {
    const { conversation, to }: { readonly conversation?: string; readonly to?: string } = { ...target };
    return this.#write({ t: "send", conversation, to, body, replyTo, mentions }, id);
  }

  async edit(conversation: string, seq: number, body: B): Promise<WriteResult> {
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

  /** Marks everything up to `seq` as read. Resolves with the mark. */
  async read(conversation: string, seq: number): Promise<WriteResult> {
    return this.#write({ t: "read", conversation, seq });
  }

  /**
   * Mutes a conversation for this user, on all devices. It replaces the mute before it. Rejects with CONFLICT
   * if `until` is in the past or more than 10 years ahead.
   */
  async mute(conversation: string, options: MuteOptions = {}): Promise<WriteResult> {
    return this.#write({ ...options, t: "mute", conversation });
  }

  /** Ends the mute of a conversation. Changes nothing if it is not muted. */
  async unmute(conversation: string): Promise<WriteResult> {
    return this.#write({ t: "unmute", conversation });
  }

  /**
   * Performs any write by its verb, for verbs that have no method of their own. The protocol's page has their
   * fields; a write that lacks one is refused at once. A verb that the cluster does not answer yet rejects
   * with FRAME_UNKNOWN.
   */
  async perform<V extends VerbName>(verb: V, fields: WriteFields<V>, id?: string): Promise<WriteResult> {
    return this.#write({ ...fields, t: verb }, id);
  }

  /**
   * A page of history, in rising seq. Rejects with NOT_FOUND if this user is not a member, and with
   * UNAVAILABLE while offline.
   */
  async pull(conversation: string, options: PullOptions = {}): Promise<HistoryPage<B>> {
    return (await this.#ask({ ...options, t: "pull", conversation })) as HistoryPage<B>;
  }

  /**
   * The user's conversations, most recently active first, one page at a time. The client syncs by itself;
   * this method is only for listing.
   */
  async list({ page, limit }: ListOptions = {}): Promise<Synced> {
    return (await this.#ask({ t: "sync", page, limit })) as Synced;
  }

  async #ask(frame: Asked): Promise<ServerFrame> {
    return this.#link.request(checkedFrame(frame, ASKED_FIELDS), () => this.#over);
  }

  async #write(draft: Draft & Record<string, unknown>, id?: string): Promise<WriteResult> {
    if (this.#over !== undefined) throw this.#over;
    const checked = checkedFrame({ ...draft, id }, VERB_FIELDS);
    this.#link.connection?.check({ ...checked, id: id ?? ANY_ID });
    return this.#outbox.put(checked);
  }

  #setStatus(status: Status): void {
    if (this.#over !== undefined) return;
    const { state, error } = status;
    const isNews = state !== this.state || error !== undefined;
    if (isNews) this.#status = status;
    if (state === "closed") {
      this.#shut(error);
      return;
    }
    if (state === "online") this.#arrivals.come();
    else if (error !== undefined) this.#arrivals.inTheWay(error);
    if (isNews) this.#feeds.emit({ t: "state", ...status });
  }

  #shut(error?: ChatError): void {
    this.#over = error ?? new ChatError("UNAVAILABLE", "this client is closed");
    this.#inbox.stop();
    this.#outbox.fail(this.#over);
    this.#arrivals.fail(this.#over);
    this.#feeds.end(error);
  }

  #isOwn({ kind, from, id }: ChatEvent): boolean {
    const isMine = this.#options.echo !== true && kind === "message" && from === this.#user;
    return isMine && id !== undefined && this.#outbox.holds(id);
  }

  #receive(frame: ServerFrame): void {
    switch (frame.t) {
      case "ack":
        return this.#acked(frame);
      case "error":
        if (frame.id !== undefined) this.#outbox.refused(frame.id, errorOf(frame));
        return;
      case "event": {
        const { t: _, ...event } = frame;
        return this.#inbox.event(event);
      }
      case "receipt":
        return this.#feeds.emit(frame);
      case "settings":
        return this.#inbox.settings(frame);
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

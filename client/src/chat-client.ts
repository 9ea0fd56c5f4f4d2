import type { VerbName } from "@jichat/conversation/tables.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Ack, ChatEvent, Page, ServerFrame, Synced } from "@jichat/protocol/frame/server-frame.ts";
import { Arrivals } from "./arrivals.ts";
import { checkedFrame } from "./checked-frame.ts";
import { Closed, DROPPED } from "./closed.ts";
import { encodingOf } from "./encoding.ts";
import { errorOf } from "./error-of.ts";
import type { Feed } from "./feed.ts";
import { Feeds } from "./feeds.ts";
import { Inbox } from "./inbox.ts";
import type { Asked } from "./inbox.ts";
import { Link } from "./link.ts";
import type { LinkEvents } from "./link.ts";
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
  Notice,
  PullOptions,
  SeenState,
  SendOptions,
  Target,
  WriteFields,
  WriteResult,
} from "./types.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";

const OUTBOX_MAX = 1_000;
const FEED_MAX = 100_000;
const CONNECT_MS = 30_000;
/** As long as those of `newId`: what has none yet is as large as it will be. */
const ANY_ID = "x".repeat(36);
/** Frames whose ack names an event of ours; of the others it may be the head, where nothing was changed. */
const OWN_EVENT: ReadonlySet<string> = new Set(["send", "edit", "recall", "create", "rename"]);

/**
 * One device of one user. Connects, resumes, keeps the order of what it sends, and repairs what it missed.
 */
export class ChatClient {
  readonly #options: ChatOptions;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #feeds: Feeds;
  readonly #inbox: Inbox;
  readonly #ids = new IdMaker(() => this.#link.serverClock.now());
  readonly #arrivals: Arrivals;
  #state: ConnectionState = "offline";
  /** Why nothing is taken any more, once it is closed. */
  #over: ChatError | undefined;
  #user = "";

  /** `around` is for tests: a clock, a network and sockets of their own. */
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
          this.#setState(this.#state, error);
        },
        ask: (frame) => this.#ask(frame),
        pull: (conversation, page) => this.pull(conversation, page),
      },
      options.resume,
    );
    const encoding = encodingOf(options.encoding ?? "json");
    const events: LinkEvents = {
      firstSync: () => this.#inbox.firstSync(),
      onOnline: ({ welcome, firstSync }) => {
        this.#user = welcome.user;
        this.#outbox.restart();
        void this.#inbox.sync(firstSync);
      },
      onFrame: (frame) => this.#receive(frame),
      onState: (state, error) => {
        this.#setState(state, error);
      },
    };
    this.#link = new Link(options, encoding, events, around);
    this.#outbox = new Outbox({
      max: options.outboxMax ?? OUTBOX_MAX,
      clock,
      newId: () => this.newId(),
      onOverdue: () => {
        this.#link.connection?.close(new Closed(DROPPED, "a write has had no answer for a minute"));
      },
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
   * Connects, and resolves once this device is online; from then on it keeps itself there. Another call
   * changes nothing, and waits like the first. Rejects at once when the client is closed or refused for good,
   * with why; and with UNAVAILABLE after `timeoutMs`, with what was in the way last: it goes on trying then,
   * until it is closed.
   */
  async connect({ timeoutMs = CONNECT_MS }: ConnectOptions = {}): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    if (this.#state === "online") return;
    const arrived = this.#arrivals.next(timeoutMs);
    this.#link.start();
    await arrived;
  }

  /**
   * Leaves, for good. What pends is rejected with UNAVAILABLE; what is not acked yet a later client may send
   * again under its id. Feeds end behind what they hold.
   */
  close(): void {
    this.#link.close();
  }

  /** Everything that happens from this call on, for one `for await`; behind the end, how it ended. */
  events(): Feed<Notice> {
    return this.#feeds.open();
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
   * reconnects too. Rejects at once, and nothing of it is sent: with FRAME_MALFORMED that names what the
   * protocol does not take, with FRAME_TOO_LARGE beyond the server's limits (offline, as soon as they are
   * known), with BUSY when `outboxMax` wait already. All other writes do likewise.
   */
  async send(target: Target, body: Body, options: SendOptions = {}): Promise<WriteResult> {
    const { conversation, to }: { readonly conversation?: string; readonly to?: string } = { ...target };
    const { id, replyTo, mentions } = options;
    return this.#write({ t: "send", conversation, to, body, replyTo, mentions }, id);
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
   * Any write, by its verb: for those that have no method of their own. `docs/protocol.md` has their fields.
   * A verb that the cluster does not answer yet rejects with FRAME_UNKNOWN.
   */
  async perform<V extends VerbName>(verb: V, fields: WriteFields<V>, id?: string): Promise<WriteResult> {
    return this.#write({ ...fields, t: verb }, id);
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
  async list({ page, limit }: ListOptions = {}): Promise<Synced> {
    return (await this.#ask({ t: "sync", page, limit })) as Synced;
  }

  async #ask(frame: Asked): Promise<ServerFrame> {
    const { connection } = this.#link;
    const asked = checkedFrame(frame);
    if (connection === undefined) throw this.#over ?? new ChatError("UNAVAILABLE", "this device is offline");
    try {
      return await connection.request(asked);
    } catch (thrown) {
      if (!(thrown instanceof Closed)) throw thrown;
      throw this.#over ?? new ChatError("UNAVAILABLE", "the connection was lost", { cause: thrown });
    }
  }

  async #write(draft: Draft & Record<string, unknown>, id?: string): Promise<WriteResult> {
    if (this.#over !== undefined) throw this.#over;
    const checked = checkedFrame({ ...draft, id });
    this.#link.connection?.check({ ...checked, id: id ?? ANY_ID });
    return this.#outbox.put(checked);
  }

  #setState(state: ConnectionState, error?: ChatError): void {
    if (this.#over !== undefined) return;
    const isNews = state !== this.#state || error !== undefined;
    this.#state = state;
    if (state === "closed") {
      this.#shut(error);
      return;
    }
    if (state === "online") this.#arrivals.come();
    else if (error !== undefined) this.#arrivals.inTheWay(error);
    if (isNews) this.#feeds.emit({ t: "state", state, error });
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
      case "error": {
        if (frame.id !== undefined) this.#outbox.refused(frame.id, errorOf(frame));
        return;
      }
      case "event": {
        const { t: _, ...event } = frame;
        return this.#inbox.event(event);
      }
      case "receipt":
        return this.#feeds.emit(frame);
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

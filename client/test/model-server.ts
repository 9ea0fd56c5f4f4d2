import type { ChatEvent, Limits, Muted } from "@jichat/protocol/frame/server-frame.ts";
import type { Encoding } from "../src/encoding.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import { ModelSocket } from "./model-socket.ts";
import type { Peer } from "./model-socket.ts";
import { ME, ModelStore } from "./model-store.ts";
import type { Conversation } from "./model-store.ts";
import { ModelWrites, RETRYABLE } from "./model-writes.ts";
import type { Frame, WriteHost } from "./model-writes.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What a proxy, or a server that is broken, may say. */
export const NONSENSE: readonly object[] = [
  { t: "event" },
  { t: "ack", id: 5 },
  { t: "synced", id: "q0" },
  { t: "welcome" },
  { t: "page", id: "q1", events: [null] },
  { t: "gap", head: "x" },
  { t: 7 },
  [],
];
/** How hello is answered, or not. */
export type Temper = "well" | "down" | "silent" | "refusing" | "closing" | "dropping";

/** One session of the device. */
interface Session {
  /** As its welcome named them. */
  limits: Limits;
  malformed: number;
  /** It has missed something, and answers nothing any more but pings: what comes later must not overtake. */
  isDeaf: boolean;
}

/** The servers of a cluster as the protocol page describes them, and what may happen to them. */
export class ModelServer implements Peer, WriteHost {
  readonly store = new ModelStore();
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly sockets = new Set<ModelSocket>();
  /** When each was asked for. */
  readonly dialledAt: number[] = [];
  /** What a client that keeps to the protocol never does. */
  readonly violations: string[] = [];
  readonly writes = new ModelWrites(this);
  readonly #sessions = new Map<ModelSocket, Session>();
  temper: Temper = "well";
  closeCode = 1012;
  limits = { frameBytes: 65_536, bodyBytes: 8_192, messagesPerSecond: 50 };
  /** Of each frame: that it is refused, that the connection ends with it, that nonsense is said. */
  trouble = 0;
  latencyMs: () => number = () => 5;
  ticketLifeMs = 3_600_000;
  echo = false;
  /** Tokens that are taken. */
  isGood: (token: string) => boolean = (token) => token.startsWith("good");

  constructor(clock: VirtualClock, dice: Dice) {
    this.clock = clock;
    this.dice = dice;
  }

  socketTo(url: string, encoding: Encoding): ModelSocket {
    this.dialledAt.push(this.clock.at);
    const socket = new ModelSocket({
      url,
      encoding,
      clock: this.clock,
      latencyMs: () => this.latencyMs(),
      peer: this,
    });
    this.sockets.add(socket);
    this.clock.after(this.latencyMs(), () => {
      if (this.temper === "down") socket.ended(1006, "");
      else socket.open();
    });
    return socket;
  }

  opened(socket: ModelSocket): void {
    this.#sessions.set(socket, { limits: this.limits, malformed: 0, isDeaf: false });
    if (this.temper === "dropping") socket.end(1006);
  }

  left(socket: ModelSocket): void {
    this.#sessions.delete(socket);
    this.sockets.delete(socket);
  }

  /** Who is welcomed hears of what happens; the latest is the one. */
  get live(): ModelSocket | undefined {
    return [...this.sockets].findLast((socket) => this.#welcomed.has(socket) && socket.isLive);
  }
  readonly #welcomed = new WeakSet<ModelSocket>();

  heard(socket: ModelSocket, data: string | Uint8Array): void {
    const session = this.#sessions.get(socket);
    if (session === undefined) return;
    session.isDeaf ||= this.temper === "silent";
    if (this.temper === "silent") return;
    const bytes = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    const { frameBytes } = this.limitsOf(socket);
    if (bytes > frameBytes) {
      this.violations.push(`a frame of ${bytes} bytes was sent, ${frameBytes} are taken`);
      if (bytes > 2 * frameBytes) socket.ended(1006, "");
      return;
    }
    const frame = socket.encoding.read(
      typeof data === "string" ? data : new Uint8Array(data).buffer,
    ) as Frame;
    if (frame.t === "hello" && !session.isDeaf) this.#hello(socket, frame);
    else if (this.#welcomed.has(socket)) this.#frame(socket, frame);
  }

  limitsOf(socket: ModelSocket): Limits {
    return this.#sessions.get(socket)?.limits ?? this.limits;
  }

  #hello(socket: ModelSocket, frame: Frame): void {
    const { token } = frame as { token?: unknown };
    const refuse = (code: string, close: number): void => {
      socket.say({ t: "error", code, message: "no", retryAfterMs: 100, traceId: "t" });
      socket.end(close, "no");
    };
    if (token !== undefined && (typeof token !== "string" || token.length > 8_192)) {
      this.violations.push(`a hello had a token that is none: ${typeof token}`);
      refuse("FRAME_MALFORMED", 4401);
    } else if (token !== undefined && !this.isGood(token)) refuse("TOKEN_EXPIRED", 4402);
    else if (this.temper === "refusing") refuse(this.dice.pick(RETRYABLE), 1012);
    else if (this.temper === "closing") socket.end(this.closeCode);
    else this.#welcome(socket);
  }

  #welcome(socket: ModelSocket): void {
    this.live?.end(4409, "this device connected again");
    this.#welcomed.add(socket);
    const session = this.#sessions.get(socket);
    if (session !== undefined) session.limits = this.limits;
    const serverTime = Math.floor(1_800_000_000_000 + this.clock.at);
    socket.say({
      t: "welcome",
      user: ME,
      device: "phone",
      session: "s",
      ticket: "ticket",
      ticketExpiresAt: serverTime + this.ticketLifeMs,
      heartbeatMs: 25_000,
      limits: this.limits,
      serverTime,
      traceId: "t",
    });
  }

  #frame(socket: ModelSocket, frame: Frame): void {
    if (frame.t === "ping") socket.say({ t: "pong", serverTime: 1_800_000_000_000 + this.clock.at });
    else if (this.#sessions.get(socket)?.isDeaf === true) return;
    else if (this.dice.chance(this.trouble)) this.#mishap(socket, frame);
    else this.#take(socket, frame);
  }

  /** It is stored and the ack is lost; or nonsense comes before the ack; or the connection ends before all. */
  #mishap(socket: ModelSocket, frame: Frame): void {
    const kind = this.dice.int(0, 3);
    if (kind === 3) {
      socket.end(this.dice.pick([1006, 1001, 1012, 4408]));
      return;
    }
    if (kind === 1) socket.say(this.dice.pick(NONSENSE));
    if (kind === 2) socket.sayRaw("{");
    this.#take(socket, frame);
    if (kind === 0) socket.ended(1006, "");
  }

  #take(socket: ModelSocket, frame: Frame): void {
    const { t, id } = frame;
    const fields = frame as Frame & { limit?: number; conversation: string; since?: string; page?: string };
    const { limit = 50, conversation: name } = fields;
    switch (t) {
      case "sync":
        return socket.say({ t: "synced", id, ...this.store.synced(fields.since, fields.page, limit) });
      case "pull":
        return this.#pull(socket, fields);
      case "state": // A cluster that does not know it yet answers without an id.
        if (this.dice.chance(0.5)) this.refuse(socket, undefined, "FRAME_UNKNOWN");
        return undefined;
      case "renew":
        return socket.say({
          t: "ticket",
          id,
          ticket: "ticket",
          ticketExpiresAt: 1_800_000_000_000 + this.clock.at + this.ticketLifeMs,
        });
      case "create":
        return this.writes.create(socket, id);
      default:
        return this.writes.write(socket, frame, name);
    }
  }

  #pull(
    socket: ModelSocket,
    asked: { id: string; conversation: string; after?: number; before?: number; limit?: number },
  ): void {
    const { id, conversation: name, after, before = Number.POSITIVE_INFINITY, limit = 50 } = asked;
    const conversation = this.store.conversations.get(name);
    if (conversation === undefined) return this.refuse(socket, id, "NOT_FOUND");
    const { events } = conversation;
    const wanted = events.filter(({ seq }) => seq > (after ?? 0) && seq < before);
    const some = after === undefined ? wanted.slice(-limit) : wanted.slice(0, limit);
    const page = some.map((event) => this.store.shown(conversation, event));
    socket.say({
      t: "page",
      id,
      conversation: name,
      events: page,
      first: 1,
      head: events.length,
      more: page.length < wanted.length,
    });
  }

  refuse(socket: ModelSocket, id: string | undefined, code: string): void {
    socket.say({ t: "error", id, code, message: "no", retryAfterMs: this.dice.int(20, 400), traceId: "t" });
  }

  ack(
    socket: ModelSocket,
    id: string,
    { id: conversation }: Conversation,
    seq: number,
    isKnown = false,
  ): void {
    const duplicate = isKnown ? { duplicate: true } : {};
    socket.say({ t: "ack", id, conversation, seq, ts: seq, ...duplicate, traceId: "t" });
  }

  malformed(socket: ModelSocket, id: string, what: string): void {
    this.violations.push(`${what} was sent`);
    this.refuse(socket, id, "FRAME_MALFORMED");
    const session = this.#sessions.get(socket);
    if (session === undefined) return;
    session.malformed += 1;
    if (session.malformed >= 3) socket.end(4400, "three malformed frames in a row");
  }

  /** Somebody writes to this user. */
  friendWrites(peer: string): void {
    const conversation = this.store.direct(peer, peer);
    const [created] = conversation.events.length === 1 ? conversation.events : [];
    if (created !== undefined) this.deliver(created);
    this.deliver(
      this.store.append(conversation, {
        kind: "message",
        from: peer,
        id: `f${this.store.version}`,
        body: {},
      }),
    );
  }

  /** A friend changes one of their messages, if there is any. */
  friendChanges(peer: string, what: "edited" | "recalled"): void {
    const conversation = this.store.conversations.get(`d_${peer}`);
    const own = conversation?.events.filter((event) => event.kind === "message" && event.from === peer) ?? [];
    if (conversation === undefined || own.length === 0) return;
    const { seq: target } = this.dice.pick(own);
    if (conversation.events.some((event) => event.kind === "recalled" && event.target === target)) return;
    const body = what === "edited" ? { body: { edit: this.store.version } } : {};
    this.deliver(this.store.append(conversation, { kind: what, from: peer, target, ...body }));
  }

  /** Another device of the user marks as read up to `seq`. */
  otherReads(conversation: Conversation, seq: number): void {
    const mark = this.store.read(conversation, seq);
    this.say({ t: "receipt", conversation: conversation.id, user: ME, seq: mark });
  }

  /** Another device of the user mutes the conversation, or ends that. */
  otherMutes(conversation: Conversation, muted: Muted | undefined): void {
    this.store.mute(conversation, muted);
    this.settings(conversation);
  }

  settings({ id, muted, settingsAt }: Conversation): void {
    this.say({ t: "settings", conversation: id, ...(muted && { muted }), at: settingsAt });
  }

  deliver(event: ChatEvent): void {
    const live = this.live;
    if (live === undefined) return;
    const { conversation, seq } = event;
    if (this.dice.chance(this.trouble)) live.say({ t: "gap", conversation, head: seq });
    else live.say({ t: "event", ...event });
    if (this.dice.chance(this.trouble)) live.say({ t: "event", ...event });
  }

  /** To whom is welcomed. */
  say(frame: object): void {
    this.live?.say(frame);
  }

  /** Each in a way of its own. */
  disturb(kind: "goaway" | "gap" | "cut" | "close" | "nonsense" | "later"): void {
    const live = this.live;
    if (live === undefined) return;
    if (kind === "goaway")
      live.say({
        t: "goaway",
        reason: "drain",
        reconnectAfterMs: this.dice.int(0, 3_000),
        ticket: "ticket",
      });
    else if (kind === "gap") live.say({ t: "gap" });
    else if (kind === "cut") live.ended(1006, "");
    else if (kind === "close") live.end(this.dice.pick([1001, 1012, 4402, 4408, 4429]));
    else if (kind === "nonsense") live.say(this.dice.pick(NONSENSE));
    else live.say({ t: "presence", user: "bob", online: true });
  }
}

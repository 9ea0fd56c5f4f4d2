import { isRefused } from "@jichat/protocol/bus/command.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { Ledger } from "../ledger.ts";
import type { IdParts } from "./device-words.ts";
import { idAt, paddingOf } from "./device-words.ts";
import type { Guards } from "./guards.ts";
import type { InboxParts } from "./inbox-model.ts";
import { InboxModel } from "./inbox-model.ts";
import { MarksModel } from "./marks-model.ts";
import type { OutboxParts } from "./outbox-model.ts";
import { OutboxModel } from "./outbox-model.ts";
import { SettingsModel } from "./settings-model.ts";
import type { Socket, SocketDevice } from "./socket-model.ts";

/** A connector as a device sees it. */
interface Door {
  open(device: SocketDevice): Promise<Socket>;
}

/** The parts that a device uses, beside those of its inbox, its outbox and its ids. */
interface DeviceParts extends InboxParts, OutboxParts, IdParts {
  readonly time: OutboxParts["time"];
  readonly dice: OutboxParts["dice"];
  readonly guards: Pick<Guards, "missedGap">;
  readonly ledger: InboxParts["ledger"] & OutboxParts["ledger"] & Pick<Ledger, "device" | "sent">;
  /** Whether bodies are large. */
  readonly isHeavy: boolean;
  anyConnector(): Door | undefined;
}

/** One device. It connects and reconnects, its outbox writes, and its inbox reads. */
export class Device implements SocketDevice {
  readonly user: string;
  readonly name: string;
  readonly #sim: DeviceParts;
  readonly #skewMs: number;
  readonly marks: MarksModel;
  readonly settings = new SettingsModel();
  #socket: Socket | undefined;
  readonly #replaced = new WeakSet<Socket>();
  readonly #inbox: InboxModel;
  readonly #outbox: OutboxModel;
  #hellos = 0;
  #isComing = false;

  constructor(sim: DeviceParts, user: string, name: string) {
    this.#sim = sim;
    this.user = user;
    this.name = name;
    this.marks = new MarksModel(sim, user, name);
    this.#skewMs = sim.dice.between(-180_000, 180_000);
    this.#inbox = new InboxModel(sim, this);
    this.#outbox = new OutboxModel(sim, this);
    sim.ledger.device(user, name);
  }

  /** The socket that it writes to; undefined while it is offline. */
  get socket(): Socket | undefined {
    return this.#socket;
  }

  get unacked(): number {
    return this.#outbox.length;
  }

  describe(): string {
    return `${this.user}/${this.name} ${this.#socket === undefined ? "offline" : "online"} waits for ${this.#outbox.describe()}`;
  }

  get isReady(): boolean {
    return this.#inbox.isReady;
  }

  /** Asks for the missed events. */
  async sync(): Promise<void> {
    await this.#inbox.sync();
  }

  async connect(): Promise<void> {
    const connector = this.#sim.anyConnector();
    if (connector === undefined || this.#socket !== undefined || this.#isComing) {
      this.#sim.time.after(100, () => {
        if (this.#socket === undefined) void this.connect();
      });
      return;
    }
    const socket = await this.#come(connector);
    if (!socket.isOpen) {
      this.closed(socket);
      return;
    }
    this.#adopt(socket);
  }

  /** Opens only one socket at a time: of two hellos in flight, either could be the later one. */
  async #come(connector: Door): Promise<Socket> {
    this.#isComing = true;
    const socket = await connector.open(this);
    this.#isComing = false;
    return socket;
  }

  #adopt(socket: Socket): void {
    const old = this.#socket;
    this.#socket = socket;
    if (old !== undefined) this.#replaced.add(old);
    old?.left();
    // The first sync is sent later, once the old socket's has ended: it does not come right after the hello.
    if (this.#inbox.isSyncing) socket.takeList();
    this.#inbox.startOver();
    this.marks.newSocket();
    this.#outbox.startOver();
    void this.#inbox.sync();
    // A gap from before the welcome: the first sync may have been answered before the missed event.
    if (socket.missed && this.#sim.guards.missedGap) void this.#inbox.sync();
  }

  /** Retries a failed move, like the SDK: the new socket may have displaced the remaining one. */
  closed(socket: Socket): void {
    if (this.isLatest(socket)) this.#isComing = false;
    if (this.#replaced.has(socket)) return;
    const isMove = this.#socket !== undefined && this.#socket !== socket;
    if (!isMove) this.#socket = undefined;
    this.#sim.time.after(this.#sim.dice.between(1, 400), () => {
      if (this.#socket === undefined) void this.connect();
      else if (isMove) void this.move();
    });
  }

  /** Moves as after a `goaway`: the old socket works until the new one is open. */
  async move(): Promise<void> {
    const connector = this.#sim.anyConnector();
    if (connector === undefined || this.#socket === undefined || this.#isComing) return;
    const before = this.#socket;
    const socket = await this.#come(connector);
    // On the same connector, the old socket has already been replaced.
    if (socket.isOpen && (this.#socket === before || this.#socket === undefined)) this.#adopt(socket);
    else socket.close();
  }

  /** The network is lost without notice: the connector holds a socket that nobody reads. */
  vanish(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    this.closed(socket);
  }

  /** A number that rises with each hello. */
  nextHello(): number {
    return (this.#hellos += 1);
  }

  isLatest({ hello }: Pick<Socket, "hello">): boolean {
    return hello === this.#hellos;
  }

  drop(): void {
    this.#socket?.close();
  }

  /** Sends the writes in flight again. */
  repeat(): void {
    this.#outbox.repeat();
  }

  hear(socket: Socket, frame: ServerFrame): void {
    if (socket === this.#socket) this.#inbox.hear(frame);
  }

  newId(): string {
    return idAt(this.#sim, this.#skewMs);
  }

  say(conversation: string, to: string | undefined, id = this.newId()): void {
    this.#sim.ledger.sent(this.user, this.name, conversation, id);
    this.#outbox.put(id, conversation, true, (socket) => ({
      ...this.#source(socket, conversation),
      op: "send",
      id,
      body: `{"id":"${id}"${this.#sim.isHeavy ? paddingOf(id) : ""}}` as BodyText,
      to,
    }));
  }

  create(conversation: string, members: readonly string[], id: string): void {
    this.#outbox.put(id, conversation, false, (socket) => ({
      ...this.#source(socket, conversation),
      op: "create",
      id,
      name: this.#sim.isHeavy ? "\u0001".repeat(128) : "G",
      members,
    }));
  }

  leave(conversation: string): void {
    const id = this.newId();
    this.#outbox.put(id, conversation, false, (socket) => ({
      ...this.#source(socket, conversation),
      op: "leave",
      id,
    }));
  }

  read(conversation: string): void {
    const seq = this.#inbox.lastOf(conversation);
    if (seq > 0)
      this.#outbox.put(`read-${this.#sim.nextId()}`, `${conversation}#read`, false, (socket) => ({
        ...this.#source(socket, conversation),
        op: "read",
        seq,
      }));
  }

  /** Mutes the conversation, wholly or but for mentions, or ends that. */
  mute(conversation: string, how: "all" | "mentionsOnly" | "not"): void {
    const id = this.newId();
    this.#outbox.put(id, `${conversation}#mute`, false, (socket) => {
      const about = { ...this.#source(socket, conversation), id };
      if (how === "not") return { ...about, op: "unmute" };
      return { ...about, op: "mute", ...(how === "all" ? {} : { mentionsOnly: true }) };
    });
  }

  /** Asks for the head. An answer below what was acked before the question is stale (I7). */
  async look(conversation: string): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    const least = this.#sim.ackedHead.get(conversation) ?? 0;
    const answer = await socket.connector.submit(socket, {
      ...this.#source(socket, conversation),
      op: "look",
    });
    if (!isRefused(answer) && answer.seq < least)
      this.#sim.violate(
        "I7",
        `a look at ${conversation} was told ${answer.seq}, ${least} had been acked before`,
      );
  }

  #source(socket: Socket, conversation: string) {
    return { conversation, user: this.user, device: this.name, session: socket.id };
  }
}

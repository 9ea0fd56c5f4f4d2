import { Timeline } from "@jichat/client/timeline.ts";
import { isRefused } from "@jichat/protocol/bus/command.ts";
import { ChatError, asChatError } from "@jichat/protocol/errors.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { ChatEvent, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { ConnectorModel } from "./connector-model.ts";
import { idAt, paddingOf } from "./device-words.ts";
import { MarksModel } from "./marks-model.ts";
import { OutboxModel } from "./outbox-model.ts";
import type { Simulation } from "./simulation.ts";
import type { Socket } from "./socket-model.ts";

/** One device: it writes in order, repeats what is not acked, and repairs what it missed. */
export class Device {
  readonly user: string;
  readonly name: string;
  readonly #sim: Simulation;
  readonly #skewMs: number;
  readonly timelines = new Map<string, Timeline>();
  readonly marks: MarksModel;
  #socket: Socket | undefined;
  readonly #replaced = new WeakSet<Socket>();
  #heard = new Map<string, number>();
  #cursor: string | undefined;
  readonly #outbox: OutboxModel;
  #syncing = false;
  #syncAgain = false;
  readonly #repairing = new Map<string, Promise<void>>();
  #synced = false;
  #hellos = 0;
  #isComing = false;

  constructor(sim: Simulation, user: string, name: string) {
    this.#sim = sim;
    this.user = user;
    this.name = name;
    this.marks = new MarksModel(sim, user, name);
    this.#skewMs = sim.dice.between(-180_000, 180_000);
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
    return this.#synced;
  }

  async connect(): Promise<void> {
    const connector: ConnectorModel | undefined = this.#sim.anyConnector();
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

  /** One hello at a time: of two it would be anybody's guess which is the later. */
  async #come(connector: ConnectorModel): Promise<Socket> {
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
    this.#heard = new Map();
    this.marks.newSocket();
    this.#outbox.startOver();
    void this.sync();
    // The gap behind the welcome: the first sync may be of before what was missed.
    if (socket.missed && this.#sim.guards.missedGap) void this.sync();
  }

  /** A move that failed is tried again, as the SDK does: it may have displaced the socket that is left. */
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

  /** As after a `goaway`: the old socket works until another one is there. */
  async move(): Promise<void> {
    const connector = this.#sim.anyConnector();
    if (connector === undefined || this.#socket === undefined || this.#isComing) return;
    const before = this.#socket;
    const socket = await this.#come(connector);
    // On the same connector the old one has been replaced already.
    if (socket.isOpen && (this.#socket === before || this.#socket === undefined)) this.#adopt(socket);
    else socket.close();
  }

  /** Its network goes without a word: its connector holds a socket that nobody reads. */
  vanish(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    this.closed(socket);
  }

  /** Each is younger than the one before. */
  nextHello(): number {
    return (this.#hellos += 1);
  }

  isLatest({ hello }: Socket): boolean {
    return hello === this.#hellos;
  }

  drop(): void {
    this.#socket?.close();
  }

  /** Says again what is on its way. */
  repeat(): void {
    this.#outbox.repeat();
  }

  hear(socket: Socket, frame: ServerFrame): void {
    if (socket !== this.#socket) return;
    if (frame.t === "event") {
      const { t: _, ...event } = frame;
      const before = this.#heard.get(event.conversation) ?? 0;
      if (event.seq <= before)
        this.#sim.violate(
          "I2",
          `${this.user}/${this.name} heard ${event.conversation} ${event.seq} after ${before} on one socket`,
        );
      this.#heard.set(event.conversation, event.seq);
      const timeline = this.#timeline(event.conversation);
      for (const shown of timeline.insert(event, this.user)) this.#show(shown);
      if (timeline.hasHole) void this.#repair(event.conversation, timeline);
    } else if (frame.t === "receipt") this.marks.receipt(frame);
    else if (frame.t === "gap") {
      if (frame.conversation === undefined) void this.sync();
      else {
        const timeline = this.#timeline(frame.conversation);
        timeline.head = Math.max(timeline.head, frame.head ?? 0);
        if (timeline.hasHole) void this.#repair(frame.conversation, timeline);
      }
    }
  }

  #show(event: ChatEvent): void {
    this.marks.event(event);
    this.#sim.ledger.received(this.user, this.name, event);
  }

  #timeline(conversation: string): Timeline {
    const timeline = this.timelines.get(conversation) ?? new Timeline(0);
    this.timelines.set(conversation, timeline);
    return timeline;
  }

  #repair(conversation: string, timeline: Timeline): Promise<void> {
    const running = this.#repairing.get(conversation);
    if (running !== undefined) return running;
    const repair = this.#pullMissing(conversation, timeline).finally(() =>
      this.#repairing.delete(conversation),
    );
    this.#repairing.set(conversation, repair);
    return repair;
  }

  async #pullMissing(conversation: string, timeline: Timeline): Promise<void> {
    while (timeline.hasHole && this.#socket !== undefined) {
      const socket = this.#socket;
      try {
        const page = await socket.reply(socket.connector.pull(socket, conversation, timeline.last));
        if (socket === this.#socket) for (const event of timeline.fill(page)) this.#show(event);
      } catch (thrown) {
        if (asChatError(thrown).code === "NOT_FOUND") timeline.head = timeline.last;
        await this.#sim.time.sleep(100);
      }
    }
  }

  async sync(): Promise<void> {
    this.#syncAgain = true;
    if (this.#syncing) return;
    this.#syncing = true;
    while (this.#syncAgain && this.#socket !== undefined) {
      this.#syncAgain = false;
      const socket = this.#socket;
      try {
        const asked = socket.connector.sync(this.user, this.#cursor, socket.takeList());
        const reply = await socket.reply(asked);
        if (socket !== this.#socket) throw new ChatError("UNAVAILABLE", "the connection was lost");
        for (const listed of reply.conversations) {
          this.marks.listed(listed);
          const timeline = this.#timeline(listed.conversation);
          timeline.head = Math.max(timeline.head, "left" in listed ? listed.left : listed.head);
        }
        await Promise.all(
          [...this.timelines].flatMap(([id, timeline]) =>
            timeline.hasHole ? [this.#repair(id, timeline)] : [],
          ),
        );
        if (socket !== this.#socket) throw new ChatError("UNAVAILABLE", "the connection was lost");
        this.#cursor = reply.cursor;
        this.#synced = true;
      } catch {
        this.#syncAgain = true;
        await this.#sim.time.sleep(100);
      }
    }
    this.#syncing = false;
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
    const seq = this.timelines.get(conversation)?.last ?? 0;
    if (seq > 0)
      this.#outbox.put(`read-${this.#sim.nextId()}`, `${conversation}#read`, false, (socket) => ({
        ...this.#source(socket, conversation),
        op: "read",
        seq,
      }));
  }

  /** Asks for the head: an answer behind what was acked before the question is a stale one (I7). */
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

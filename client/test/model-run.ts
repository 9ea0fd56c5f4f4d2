import { ChatClient } from "../src/chat-client.ts";
import { json } from "../src/encoding.ts";
import { msgpack } from "../src/msgpack.ts";
import { openConnection } from "../src/open-connection.ts";
import type { Surroundings } from "../src/surroundings.ts";
import type { ChatOptions, Notice, SeenState } from "../src/types.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { ModelServer } from "./model-server.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What servers take: some of them little. */
export const LIMITS = [
  { frameBytes: 65_536, bodyBytes: 8_192, messagesPerSecond: 50 },
  { frameBytes: 16_384, bodyBytes: 1_024, messagesPerSecond: 50 },
  { frameBytes: 16_384, bodyBytes: 256, messagesPerSecond: 50 },
] as const;

/** A promise that the client has given, and what became of it. */
export interface Promised {
  readonly what: string;
  outcome: "pending" | "resolved" | "rejected";
  value: unknown;
}

export interface Sent extends Promised {
  readonly life: number;
  readonly target: string;
  readonly body: string;
  readonly isTooLarge: boolean;
}

/** Makes the client that is looked at: another version of it may find its sockets in another way. */
export type MakeClient = (
  options: ChatOptions,
  around: Surroundings,
  socketTo: (url: string) => WebSocket,
) => ChatClient;

/** One run: the client, the servers, and what became of each promise. */
export class ModelRun {
  readonly clock = new VirtualClock();
  readonly dice: Dice;
  readonly server: ModelServer;
  client: ChatClient;
  readonly restart: (resume: SeenState) => ChatClient;
  /** How often the application was started. */
  life = 0;
  readonly network = new EventTarget();
  readonly promises: Promised[] = [];
  readonly sent: Sent[] = [];
  readonly notices: (Notice & { readonly life: number })[] = [];
  /** What was broken. */
  readonly findings: string[] = [];
  token: () => Promise<string> = async () => this.goodToken();
  /** Good ones that were given. */
  tokens = 0;
  /** The platform told of a change of networks: sockets are dialled at once then. */
  moved = false;
  closedByUs = false;
  hasConnected = false;
  /** Codes with which the client may be closed by others, by what was done to it. */
  readonly mayEndWith = new Set<string>();
  readonly echo: boolean;

  constructor(seed: number, make: MakeClient = (options, around) => new ChatClient(options, around)) {
    this.dice = new Dice(seed);
    const dice = this.dice;
    this.server = new ModelServer(this.clock, dice);
    const encoding = dice.chance(0.8) ? json : msgpack;
    this.echo = dice.chance(0.2);
    this.server.echo = this.echo;
    this.server.latencyMs = () => dice.between(1, 40);
    this.server.limits = dice.pick(LIMITS);
    this.server.ticketLifeMs = dice.pick([60_000, 3_600_000]);
    const socketTo = (url: string): WebSocket => this.server.socketTo(url, encoding) as unknown as WebSocket;
    const options: ChatOptions = {
      urls: ["ws://one/v1/ws", "wss://two/v1/ws", "ws://three/v1/ws"].slice(0, dice.int(1, 3)),
      device: "phone",
      token: () => this.token(),
      encoding,
      echo: this.echo,
      random: () => dice.next(),
      outboxMax: dice.pick([5, 1_000]),
    };
    const around: Surroundings = {
      clock: this.clock,
      network: this.network,
      open: async (opening) => openConnection({ ...opening, socketTo }),
    };
    this.client = make(options, around, socketTo);
    this.restart = (resume) => make({ ...options, resume }, around, socketTo);
    void this.read();
  }

  async goodToken(): Promise<string> {
    this.tokens += 1;
    return `good ${this.tokens}`;
  }

  async read(): Promise<void> {
    const life = this.life;
    for await (const notice of this.client.events()) this.notices.push({ ...notice, life });
  }

  /** The application ends and is started again, with what it has seen: what it missed comes first. */
  async startAgain(): Promise<void> {
    const seen = this.client.seen();
    if (seen === undefined || this.client.state === "closed") return;
    this.client.close();
    await this.clock.settle();
    this.life += 1;
    // A hello of the life before may still arrive, and this one cannot know whose it was.
    this.mayEndWith.add("CONFLICT");
    this.client = this.restart(seen);
    void this.read();
    this.connect();
  }

  blame(what: string): void {
    this.findings.push(`${what} (at ${this.clock.at.toFixed(0)} ms)`);
  }

  track<T extends Promised>(promised: T, promise: Promise<unknown>): T {
    this.promises.push(promised);
    promise.then(
      (value: unknown) => Object.assign(promised, { outcome: "resolved", value }),
      (value: unknown) => Object.assign(promised, { outcome: "rejected", value }),
    );
    return promised;
  }

  promise(what: string, promise: Promise<unknown>): Promised {
    return this.track({ what, outcome: "pending", value: undefined }, promise);
  }

  connect(): void {
    this.hasConnected = true;
    const timeoutMs = this.dice.pick([500, 5_000, undefined]);
    this.promise("connect", this.client.connect(timeoutMs === undefined ? {} : { timeoutMs }));
  }

  close(): void {
    this.closedByUs = true;
    this.client.close();
  }
}

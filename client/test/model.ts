import assert from "node:assert/strict";
import { ChatError } from "@jichat/protocol/errors.ts";
import { ChatClient } from "../src/chat-client.ts";
import type { EncodingName } from "../src/encoding.ts";
import { openConnection } from "../src/open-connection.ts";
import type { Surroundings } from "../src/surroundings.ts";
import type { Body, ChatOptions, Notice, SeenState, WriteResult } from "../src/types.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { BAD } from "./model-bodies.ts";
import { ModelServer } from "./model-server.ts";
import type { Temper } from "./model-server.ts";
import { ME } from "./model-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

const FRIENDS = ["bob", "cleo", "dan"] as const;
const LIMITS = [
  { frameBytes: 65_536, bodyBytes: 8_192, messagesPerSecond: 50 },
  { frameBytes: 16_384, bodyBytes: 1_024, messagesPerSecond: 50 },
  { frameBytes: 16_384, bodyBytes: 256, messagesPerSecond: 50 },
] as const;
const TEMPERS: readonly Temper[] = ["well", "down", "silent", "refusing", "closing", "dropping"];
const RESUMABLE = [1001, 1006, 1011, 1012, 4408, 4429] as const;
const FATAL = [
  [4400, "FRAME_MALFORMED"],
  [4403, "FORBIDDEN"],
  [4409, "CONFLICT"],
] as const;
const TALK_MS = 40_000;
const CALM_MS = 200_000;
/** Sockets in 8 s: by back-off with the least of its jitter, and each connector once. */
const STORM_MS = 8_000;
const STORM_MAX = 20;

/** A promise that the client has given, and what became of it. */
interface Promised {
  readonly what: string;
  outcome: "pending" | "resolved" | "rejected";
  value: unknown;
}

interface Sent extends Promised {
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

/** One run: random calls and faults, then a calm in which everything must come to its end. */
class Model {
  readonly clock = new VirtualClock();
  readonly #dice: Dice;
  readonly server: ModelServer;
  client: ChatClient;
  readonly #restart: (resume: SeenState) => ChatClient;
  /** How often the application was started. */
  #life = 0;
  readonly network = new EventTarget();
  readonly #promises: Promised[] = [];
  readonly #sent: Sent[] = [];
  readonly notices: (Notice & { readonly life: number })[] = [];
  readonly #faults: string[] = [];
  #token: () => Promise<string> = async () => this.#goodToken();
  #tokens = 0;
  #sends = 0;
  #moved = false;
  #closedByUs = false;
  #hasConnected = false;
  /** Codes with which the client may be closed by others, by what was done to it. */
  readonly #mayEndWith = new Set<string>();
  readonly #groups: string[] = [];
  readonly #echo: boolean;

  constructor(seed: number, make: MakeClient = (options, around) => new ChatClient(options, around)) {
    this.#dice = new Dice(seed);
    const dice = this.#dice;
    this.server = new ModelServer(this.clock, dice);
    const encoding: EncodingName = dice.chance(0.8) ? "json" : "msgpack";
    this.#echo = dice.chance(0.2);
    this.server.echo = this.#echo;
    this.server.latencyMs = () => dice.between(1, 40);
    this.server.limits = dice.pick(LIMITS);
    this.server.ticketLifeMs = dice.pick([60_000, 3_600_000]);
    const socketTo = (url: string): WebSocket => this.server.socketTo(url, encoding) as unknown as WebSocket;
    const options: ChatOptions = {
      urls: ["ws://one/v1/ws", "wss://two/v1/ws", "ws://three/v1/ws"].slice(0, dice.int(1, 3)),
      device: "phone",
      token: () => this.#token(),
      encoding,
      echo: this.#echo,
      random: () => dice.next(),
      outboxMax: dice.pick([5, 1_000]),
    };
    const around: Surroundings = {
      clock: this.clock,
      network: this.network,
      open: async (opening) => openConnection({ ...opening, socketTo }),
    };
    this.client = make(options, around, socketTo);
    this.#restart = (resume) => make({ ...options, resume }, around, socketTo);
    void this.#read();
  }

  async #goodToken(): Promise<string> {
    this.#tokens += 1;
    return `good ${this.#tokens}`;
  }

  async #read(): Promise<void> {
    const life = this.#life;
    for await (const notice of this.client.events()) this.notices.push({ ...notice, life });
  }

  /** Runs it all, and returns what was broken. */
  async run(): Promise<string[]> {
    const moments = Array.from({ length: this.#dice.int(10, 60) }, () => this.#dice.between(0, TALK_MS));
    for (const at of moments.sort((a, b) => a - b)) {
      await this.clock.pass(at - this.clock.at);
      await this.#act();
    }
    await this.#calm();
    await this.#leave();
    return this.#faults;
  }

  #blame(what: string): void {
    this.#faults.push(`${what} (at ${this.clock.at.toFixed(0)} ms)`);
  }

  #track<T extends Promised>(promised: T, promise: Promise<unknown>): T {
    this.#promises.push(promised);
    promise.then(
      (value: unknown) => Object.assign(promised, { outcome: "resolved", value }),
      (value: unknown) => Object.assign(promised, { outcome: "rejected", value }),
    );
    return promised;
  }

  #promise(what: string, promise: Promise<unknown>): Promised {
    return this.#track({ what, outcome: "pending", value: undefined }, promise);
  }

  async #act(): Promise<void> {
    const dice = this.#dice;
    const acts: readonly (readonly [weight: number, act: () => void | Promise<void>])[] = [
      [10, () => this.#sendSome(dice.int(1, 6))],
      [4, () => this.#sendBad()],
      [2, () => this.#sendLarge()],
      [4, () => this.#connect()],
      [3, () => this.#ask()],
      [2, () => this.#readBriefly()],
      [3, () => this.#otherWrite()],
      [
        5,
        () => {
          this.server.friendWrites(dice.pick(FRIENDS));
        },
      ],
      [
        5,
        () => {
          this.server.disturb(dice.pick(["goaway", "gap", "cut", "close", "nonsense", "later"]));
        },
      ],
      [5, () => this.#temper()],
      [
        2,
        () => {
          this.server.limits = dice.pick(LIMITS);
        },
      ],
      [
        2,
        () => {
          this.#token = this.#someToken();
        },
      ],
      [
        2,
        () => {
          this.clock.aheadMs += dice.between(-1, 1) * 86_400_000;
        },
      ],
      [1, () => this.#move()],
      [1, () => this.#startAgain()],
      [0.3, () => this.#close()],
    ];
    let at = dice.between(
      0,
      acts.reduce((sum, [weight]) => sum + weight, 0),
    );
    for (const [weight, act] of acts) {
      at -= weight;
      if (at > 0) continue;
      await act();
      return;
    }
  }

  #close(): void {
    this.#closedByUs = true;
    this.client.close();
  }

  /** The application ends and is started again, with what it has seen: what it missed comes first. */
  async #startAgain(): Promise<void> {
    const seen = this.client.seen();
    if (seen === undefined || this.client.state === "closed") return;
    this.client.close();
    await this.clock.settle();
    this.#life += 1;
    // A hello of the life before may still arrive, and this one cannot know whose it was.
    this.#mayEndWith.add("CONFLICT");
    this.client = this.#restart(seen);
    void this.#read();
    this.#connect();
  }

  #move(): void {
    this.#moved = true;
    this.network.dispatchEvent(new Event(this.#dice.chance(0.5) ? "offline" : "online"));
  }

  #temper(): void {
    const { server } = this;
    const dice = this.#dice;
    server.temper = dice.chance(0.5) ? "well" : dice.pick(TEMPERS);
    const [closeCode, code] = dice.chance(0.05) ? dice.pick(FATAL) : ([dice.pick(RESUMABLE)] as const);
    server.closeCode = closeCode;
    if (code !== undefined) this.#mayEndWith.add(code);
    server.trouble = dice.chance(0.5) ? 0 : dice.between(0, 0.3);
    const slow = dice.chance(0.1) ? 12_000 : dice.chance(0.2) ? 2_000 : 40;
    server.latencyMs = () => dice.between(1, slow);
  }

  #someToken(): () => Promise<string> {
    const good = async (): Promise<string> => this.#goodToken();
    const rare = (code: string, bad: () => Promise<string>): (() => Promise<string>) => {
      if (!this.#dice.chance(0.1)) return good;
      this.#mayEndWith.add(code);
      return bad;
    };
    return this.#dice.pick<() => Promise<string>>([
      good,
      () => {
        throw new Error("token() threw");
      },
      () => Promise.reject(new Error("token() rejected")),
      () => new Promise(() => undefined),
      rare("INVALID", async () => 42 as unknown as string),
      rare("INVALID", async () => "x".repeat(200_000)),
      rare("TOKEN_EXPIRED", async () => "bad"),
    ]);
  }

  #connect(): void {
    this.#hasConnected = true;
    const timeoutMs = this.#dice.pick([500, 5_000, undefined]);
    this.#promise("connect", this.client.connect(timeoutMs === undefined ? {} : { timeoutMs }));
  }

  #send(target: string, body: Record<string, unknown>, isTooLarge = false): void {
    const to = target.startsWith("g_") ? { conversation: target } : { to: target };
    const own = this.#dice.chance(0.3) ? { id: `mine-${this.#sends}` } : {};
    const sent: Sent = {
      what: `send ${this.#sends}`,
      outcome: "pending",
      value: undefined,
      life: this.#life,
      target,
      body: JSON.stringify(body),
      isTooLarge,
    };
    this.#sent.push(this.#track(sent, this.client.send(to, body, own)));
    // What an application does to its own map afterwards is nobody's message.
    body["n"] = -1;
  }

  #someTarget(): string {
    return this.#dice.pick([...FRIENDS, ...this.#groups]);
  }

  #sendSome(times: number): void {
    for (let i = 0; i < times; i += 1) {
      this.#sends += 1;
      this.#send(this.#someTarget(), { n: this.#sends, pad: "x".repeat(this.#dice.int(0, 150)) });
    }
  }

  #sendLarge(): void {
    this.#sends += 1;
    const size = this.#dice.pick([300, 1_100, 9_000, 9_000, 140_000]);
    this.#send(this.#someTarget(), { n: this.#sends, pad: "é".repeat(size) }, size > 8_192);
  }

  /** Refused before anything else happens, and nothing behind it is harmed: the next sends show it. */
  async #sendBad(): Promise<void> {
    const { name, make } = this.#dice.pick(BAD);
    const sent = this.#promise(`send ${String(name)}`, this.client.send({ to: "bob" }, make() as Body));
    await this.clock.settle();
    if (sent.outcome !== "rejected") this.#blame(`${sent.what} is not refused at once`);
    else if (!(sent.value instanceof ChatError) || !this.#isRefusal(sent.value, name))
      this.#blame(`${sent.what} is refused with ${String(sent.value)}`);
  }

  #isRefusal({ code, message }: ChatError, name: RegExp): boolean {
    if (this.client.state === "closed") return true;
    return (code === "FRAME_MALFORMED" || code === "FRAME_TOO_LARGE") && name.test(message);
  }

  #otherWrite(): void {
    const { client } = this;
    const dice = this.#dice;
    const target = dice.pick([...this.#groups, "d_bob"]);
    const kind = dice.int(0, 4);
    if (kind === 0)
      this.#promise(
        "createGroup",
        client.createGroup("G", ["bob"]).then(({ conversation }) => this.#groups.push(conversation)),
      );
    else if (kind === 1) this.#promise("edit", client.edit(target, 2, { text: "edited" }));
    else if (kind === 2) this.#promise("read", client.read(target, 1));
    else if (kind === 3) this.#promise("edit of nothing", client.edit("no id", 0, {}));
    else this.#promise("invite", client.invite(target, [5 as unknown as string]));
  }

  #ask(): void {
    const { client } = this;
    const kind = this.#dice.int(0, 2);
    if (kind === 0) this.#promise("list", client.list());
    else if (kind === 1) this.#promise("pull", client.pull("d_bob", { limit: 10 }));
    else this.#promise("pull of nothing", client.pull("no id"));
  }

  /** A reader of its own, which stops or throws: it is nobody else's business. */
  #readBriefly(): void {
    const most = this.#dice.int(1, 5);
    const feed = this.client.events();
    if (this.#dice.chance(0.3)) this.#promise("two reads at once", Promise.all([feed.next(), feed.next()]));
    const reading = async (): Promise<void> => {
      let count = 0;
      for await (const _ of feed) if ((count += 1) >= most) throw new Error("a reader threw");
    };
    this.#promise("reading", reading());
  }

  /** All is well again: what is not closed comes back, and what was written is stored or refused. */
  async #calm(): Promise<void> {
    const { server } = this;
    server.temper = "well";
    server.trouble = 0;
    server.latencyMs = () => this.#dice.between(1, 40);
    this.#token = async () => this.#goodToken();
    if (!this.#hasConnected) this.#connect();
    const { client } = this;
    await this.clock.pass(CALM_MS, () => client.state === "closed");
    server.friendWrites("bob");
    await this.clock.pass(2_000);
    this.#judgeNotices();
    this.#judgeStorm();
    this.#faults.push(...server.violations);
    if (client.state === "closed") return;
    if (client.state !== "online") this.#blame(`is ${client.state} at last`);
    this.#judgeWrites("pending");
    this.#judgeEvents();
  }

  /** And then it is closed: nothing is left of it. */
  async #leave(): Promise<void> {
    const { client, clock, server } = this;
    this.#close();
    await clock.settle();
    if (clock.sleepers > 0) this.#blame(`${clock.sleepers} timers are left`);
    for (const { what, outcome, value } of this.#promises) {
      if (outcome === "pending") this.#blame(`${what} pends for good`);
      const isOurs = value instanceof ChatError || what === "reading";
      if (outcome === "rejected" && !isOurs) this.#blame(`${what} is rejected with ${String(value)}`);
    }
    this.#judgeWrites("closed");
    const late = [
      this.#promise("connect behind the end", client.connect()),
      this.#promise("send behind the end", client.send({ to: "bob" }, {})),
      this.#promise("pull behind the end", client.pull("d_bob")),
      this.#promise("a feed behind the end", this.#drain()),
    ];
    await clock.settle();
    for (const { what, outcome } of late) if (outcome === "pending") this.#blame(`${what} pends`);
    await clock.pass(60_000);
    if ([...server.sockets].some(({ isLive }) => isLive)) this.#blame("a socket is left open");
    if (clock.sleepers > 0) this.#blame("something is waited for behind the end");
  }

  async #drain(): Promise<void> {
    const feed = this.client.events();
    while ((await feed.next()).done !== true);
  }

  #judgeWrites(when: "pending" | "closed"): void {
    const order = new Map<string, number>();
    for (const [index, sent] of this.#sent.entries()) {
      const { what, outcome, value, target, body, isTooLarge } = sent;
      if (outcome === "pending" && when === "pending") this.#blame(`${what} pends in a calm`);
      if (outcome === "rejected" && sent.life === this.#life) this.#judgeRefusal(sent);
      if (outcome !== "resolved") continue;
      if (isTooLarge) this.#blame(`${what} is larger than allowed, and acked`);
      const { id, conversation, seq } = value as WriteResult;
      const stored = this.server.store.conversations.get(conversation)?.events[seq - 1];
      if (stored?.id !== id || JSON.stringify(stored.body) !== body)
        this.#blame(`${what} was acked as ${conversation} ${seq}, and is not there as it was said`);
      if ((order.get(target) ?? 0) > seq) this.#blame(`${what} was overtaken, number ${index} of ${target}`);
      order.set(target, seq);
    }
  }

  #judgeRefusal({ what, value, body }: Sent): void {
    const { code } = value as ChatError;
    const isRefused = this.server.refusedForGood.size > 0 && (code === "NOT_FOUND" || code === "FORBIDDEN");
    const isLarge = code === "FRAME_TOO_LARGE" && body.length > 250;
    const isDefect = code === "INTERNAL" && [...this.server.internals.values()].some((times) => times > 1);
    const isFull = code === "BUSY";
    if (!isRefused && !isLarge && !isDefect && !isFull && this.client.state !== "closed")
      this.#blame(`${what} is refused with ${String(value)}`);
  }

  #judgeNotices(): void {
    for (const notice of this.notices) {
      if (notice.t !== "state") continue;
      const { state, error, life } = notice;
      if (state === "closed" && error !== undefined && !this.#mayEndWith.has(error.code))
        this.#blame(`is closed for good: ${String(error)}`);
      if (error !== undefined) continue;
      const isOurs = this.#closedByUs || life < this.#life;
      const needsReason = state === "offline" || (state === "closed" && !isOurs);
      if (needsReason) this.#blame(`is ${notice.state} without a reason`);
    }
  }

  #judgeStorm(): void {
    if (this.#moved) return;
    const { dialledAt } = this.server;
    dialledAt.forEach((at, index) => {
      if (at - (dialledAt[index - STORM_MAX] ?? Number.NEGATIVE_INFINITY) < STORM_MS)
        this.#blame(`connected ${STORM_MAX} times within ${STORM_MS / 1_000} s`);
    });
  }

  /** Each event once, in order, without a hole; one's own are known by their acks, unless they are asked for. */
  #judgeEvents(): void {
    const shown = new Map<string, number[]>();
    for (const notice of this.notices) {
      if (notice.t !== "event") continue;
      const { conversation, seq, kind, from, id } = notice.event;
      shown.set(conversation, [...(shown.get(conversation) ?? []), seq]);
      const isAcked = this.#sent.some(
        ({ outcome, value, life }) =>
          outcome === "resolved" && (value as WriteResult).id === id && life === notice.life,
      );
      if (!this.#echo && kind === "message" && from === ME && isAcked)
        this.#blame(`its own message came back as ${conversation} ${seq}`);
    }
    const listed = new Set<string>();
    for (const notice of this.notices) {
      if (notice.t !== "conversations") continue;
      for (const { conversation } of notice.conversations) listed.add(conversation);
      if (notice.complete) break;
    }
    const seqs = this.client.seen()?.seqs;
    if (seqs === undefined) this.#blame("has seen nothing in the end");
    for (const { id, events } of this.server.store.conversations.values()) {
      const got = shown.get(id) ?? [];
      if (got.some((seq, index) => index > 0 && seq <= (got[index - 1] ?? 0)))
        this.#blame(`${id} came out of order: ${got.join(" ")}`);
      // What was there before this device came is the past; what was made later it hears from the first on.
      const first = listed.has(id) ? (got[0] ?? Number.POSITIVE_INFINITY) : 0;
      const missing = events.filter(({ seq, from }) => seq > first && from !== ME && !got.includes(seq));
      if (missing.length > 0) this.#blame(`${id} lacks ${missing.map(({ seq }) => seq).join(" ")}`);
      if (seqs !== undefined && seqs[id] !== events.length)
        this.#blame(`${id} is seen up to ${seqs[id]}, not ${events.length}`);
    }
  }
}

/** Runs one seed; throws with all that is needed to replay it. */
export async function runModel(seed: number, make?: MakeClient): Promise<void> {
  const unhandled: string[] = [];
  const onUnhandled = (error: unknown): number => unhandled.push(`unhandled: ${String(error)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    const faults = await new Model(seed, make).run();
    assert.deepEqual(
      [...faults, ...unhandled].slice(0, 5),
      [],
      `seed ${seed} breaks; replay it with CLIENT_SEED=${seed}`,
    );
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}

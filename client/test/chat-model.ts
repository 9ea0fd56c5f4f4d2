import assert from "node:assert/strict";
import { Dice } from "@jichat/protocol/dice.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { isLine } from "../src/chat/fold.ts";
import { openChat } from "../src/chat/open-chat.ts";
import type { Chat } from "../src/chat/chat.ts";
import type { Thread } from "../src/chat/thread.ts";
import type { ConversationView, Store, ThreadView } from "../src/chat/types.ts";
import type { ConversationEvent } from "../src/events.ts";
import { openConnection } from "../src/open-connection.ts";
import type { Body, Target } from "../src/types.ts";
import { FRIENDS } from "./model-calls.ts";
import { ModelFaults } from "./model-faults.ts";
import { ModelServer } from "./model-server.ts";
import { ME } from "./model-store.ts";
import type { Conversation } from "./model-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

const TALK_MS = 40_000;
const CALM_MS = 200_000;
const FRAME_MS = 20;

/** A disk: it takes its time, and a process that has crashed writes nothing more. */
class Disk {
  readonly kept = new Map<string, string>();
  readonly #clock: VirtualClock;
  readonly #dice: Dice;

  constructor(clock: VirtualClock, dice: Dice) {
    this.#clock = clock;
    this.#dice = dice;
  }

  /** The store of one life of the application. */
  store(isAlive: () => boolean): Store {
    const act = async <T>(what: () => T): Promise<T> => {
      await new Promise<void>((resolve) => {
        this.#clock.after(this.#dice.between(0, 5), resolve);
      });
      return isAlive() ? what() : new Promise(() => undefined);
    };
    return {
      get: async (key) => act(() => JSON.parse(this.kept.get(key) ?? "null") ?? undefined),
      set: async (key, value) => act(() => void this.kept.set(key, JSON.stringify(value))),
      delete: async (key) => act(() => void this.kept.delete(key)),
      keys: async (prefix) => act(() => [...this.kept.keys()].filter((key) => key.startsWith(prefix))),
    };
  }
}

/** So that a change of what was handed out throws where it is made. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}

/** A `Live` that somebody looks at: what was told last must be what there is. */
class Watcher<T> {
  readonly get: () => T;
  readonly #stop: () => void;
  #told: T;

  constructor(live: { get: () => T; subscribe: (listener: () => void) => () => void }) {
    this.get = live.get;
    this.#told = live.get();
    this.#stop = live.subscribe(() => {
      this.#told = live.get();
    });
  }

  stop(): void {
    this.#stop();
  }

  /** True if a change is not told after a frame. */
  async isBehind(clock: VirtualClock): Promise<boolean> {
    const value = this.get();
    if (this.#told === value) return false;
    await clock.pass(FRAME_MS);
    return this.get() === value && this.#told !== value;
  }
}

interface Open {
  readonly thread: Thread<Body>;
  readonly watcher: Watcher<ThreadView<Body>>;
}

/** One run of a chat: random calls and faults, then a calm, in which it must equal what the server holds. */
class ChatModel {
  readonly clock = new VirtualClock();
  readonly dice: Dice;
  readonly server: ModelServer;
  readonly network = new EventTarget();
  readonly mayEndWith = new Set<string>(["CONFLICT"]);
  moved = false;
  readonly #faults: ModelFaults;
  readonly #disk: Disk;
  readonly #findings: string[] = [];
  readonly #written = new Set<string>();
  readonly #discarded = new Set<string>();
  #token: () => Promise<string> = async () => this.goodToken();
  #open = new Map<string, Open>();
  #list: Watcher<unknown> | undefined;
  #chat: Chat | undefined;
  #life = { isAlive: true };
  #sends = 0;
  #tokens = 0;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.server = new ModelServer(this.clock, this.dice);
    this.server.echo = true;
    this.server.latencyMs = () => this.dice.between(1, 40);
    this.server.ticketLifeMs = this.dice.pick([60_000, 3_600_000]);
    this.#faults = new ModelFaults(this);
    this.#disk = new Disk(this.clock, this.dice);
  }

  async goodToken(): Promise<string> {
    this.#tokens += 1;
    return `good ${this.#tokens}`;
  }

  get #now(): Chat {
    return this.#chat ?? assert.fail("no chat is open");
  }

  async run(): Promise<string[]> {
    for (let i = this.dice.int(0, 30); i > 0; i -= 1) this.server.friendWrites(this.dice.pick(FRIENDS));
    await this.#start(this.#disk.store(() => this.#life.isAlive));
    const moments = Array.from({ length: this.dice.int(10, 80) }, () => this.dice.between(0, TALK_MS));
    for (const at of moments.sort((a, b) => a - b)) {
      await this.clock.pass(Math.max(0, at - this.clock.at));
      if (this.#now.status.get().state === "closed") await this.#restart();
      await this.#act();
      await this.clock.pass(FRAME_MS);
      await this.#look();
    }
    await this.#calm();
    await this.#restart();
    await this.clock.pass(CALM_MS);
    await this.#judge("after a restart");
    await this.#startFresh();
    await this.#judge("of a fresh reader");
    await this.#end();
    return this.#findings;
  }

  #blame(what: string): void {
    this.#findings.push(`${what} (at ${this.clock.at.toFixed(0)} ms)`);
  }

  async #start(store: Store): Promise<void> {
    const opening = openChat(
      {
        user: ME,
        urls: ["ws://one/v1/ws", "wss://two/v1/ws"],
        device: "phone",
        token: async () => this.#token(),
        random: () => this.dice.next(),
        store,
        directory: { profiles: async () => [], members: async () => ({ users: [] }) },
        linesMax: 10,
      },
      {
        clock: this.clock,
        network: this.network,
        open: async (opening) =>
          openConnection({
            ...opening,
            socketTo: (url) => this.server.socketTo(url, opening.encoding) as unknown as WebSocket,
          }),
      },
    );
    opening.catch((error: unknown) => {
      this.#blame(`cannot be opened: ${String(error)}`);
    });
    await this.clock.pass(500);
    this.#chat = await opening;
    this.#list = new Watcher(this.#chat.conversations);
  }

  #leaveAll(): void {
    for (const { watcher } of this.#open.values()) watcher.stop();
    this.#open.clear();
    this.#list?.stop();
  }

  /** The application is closed, or it crashes with whatever the disk holds. */
  async #restart(isCrash = this.dice.chance(0.5)): Promise<void> {
    const open = [...this.#open.values()].map(({ thread }) => thread.target);
    if (isCrash) this.#life.isAlive = false;
    this.#leaveAll();
    const closed = this.#now.close();
    await this.clock.pass(1_000);
    if (!isCrash) await closed;
    this.#life = { isAlive: true };
    const life = this.#life;
    await this.#start(this.#disk.store(() => life.isAlive));
    for (const target of open) this.#openThread(target);
  }

  async #startFresh(): Promise<void> {
    const open = [...this.#open.values()].map(({ thread }) => thread.target);
    this.#leaveAll();
    void this.#now.close();
    await this.clock.pass(1_000);
    await this.#start(new Disk(this.clock, this.dice).store(() => true));
    for (const target of open) this.#openThread(target);
    await this.clock.pass(CALM_MS);
  }

  #openThread(target: Target): void {
    const thread = this.#now.thread(target);
    const key = JSON.stringify(target);
    if (this.#open.has(key)) return;
    if (this.#now.thread(target) !== thread) this.#blame("a thread is another object the second time");
    this.#open.set(key, { thread, watcher: new Watcher(thread) });
  }

  #someTarget(): Target {
    const friend = this.dice.pick(FRIENDS);
    return this.dice.chance(0.5) || !this.server.store.conversations.has(`d_${friend}`)
      ? { to: friend }
      : { conversation: `d_${friend}` };
  }

  get #someOpen(): Thread<Body> | undefined {
    const open = [...this.#open.values()];
    return open.length === 0 ? undefined : this.dice.pick(open).thread;
  }

  async #act(): Promise<void> {
    const { dice } = this;
    const acts: readonly (readonly [weight: number, act: () => void | Promise<void>])[] = [
      [10, () => this.#send()],
      [3, () => this.#change()],
      [4, () => this.#openThread(this.#someTarget())],
      [1, () => this.#closeOne()],
      [4, () => this.#page()],
      [
        3,
        () => this.#now.markRead(`d_${dice.pick(FRIENDS)}`, dice.chance(0.5) ? undefined : dice.int(1, 20)),
      ],
      [2, () => this.#otherReads()],
      [2, () => this.#mute()],
      [2, () => this.#otherMutes()],
      [8, () => this.server.friendWrites(dice.pick(FRIENDS))],
      [3, () => this.server.friendChanges(dice.pick(FRIENDS), dice.pick(["edited", "recalled"]))],
      [4, () => this.server.disturb(dice.pick(["goaway", "gap", "cut", "close", "nonsense", "later"]))],
      [4, () => this.#faults.temper()],
      [1, () => this.#faults.move()],
      [2, () => this.#again()],
      [2, async () => this.#restart()],
    ];
    await dice.weighted(acts)();
  }

  #send(): void {
    this.#sends += 1;
    const thread = this.#now.thread(this.#someTarget());
    const id = thread.send({ n: this.#sends });
    this.#written.add(id);
    if (!thread.get().pending.some((pending) => pending.id === id))
      this.#blame(`${id} is not pending at once`);
  }

  #change(): void {
    const thread = this.#someOpen;
    const own = thread
      ?.get()
      .lines.filter((line) => line.kind === "message" && line.from === ME && line.recalled === undefined);
    if (thread === undefined || own === undefined || own.length === 0) return;
    const { seq } = this.dice.pick(own);
    const changed = this.dice.chance(0.6) ? thread.edit(seq, { edit: seq }) : thread.recall(seq);
    changed.catch(() => undefined); // Refused by chance, or recalled meanwhile.
  }

  #closeOne(): void {
    const [key] = [...this.#open.keys()];
    if (key === undefined) return;
    this.#open.get(key)?.watcher.stop();
    this.#open.delete(key);
  }

  #page(): void {
    const thread = this.#someOpen;
    if (thread === undefined) return;
    const loaded = this.dice.pick([
      async () => thread.loadOlder(),
      async () => thread.loadOlder(),
      async () => thread.loadNewer(),
      async () => thread.jumpToLatest(),
      async () => thread.jumpTo(this.dice.int(1, 30)),
    ])();
    loaded.catch(() => undefined); // The view has the error.
  }

  #otherReads(): void {
    const conversation = this.server.store.conversations.get(`d_${this.dice.pick(FRIENDS)}`);
    if (conversation === undefined) return;
    this.server.otherReads(conversation, this.dice.int(1, conversation.events.length));
  }

  #mute(): void {
    const { client } = this.#now;
    const conversation = `d_${this.dice.pick(FRIENDS)}`;
    const mentionsOnly = this.dice.chance(0.5);
    const muted = this.dice.chance(0.5)
      ? client.mute(conversation, { mentionsOnly })
      : client.unmute(conversation);
    muted.catch(() => undefined); // Refused by chance, or the conversation is not there yet.
  }

  #otherMutes(): void {
    const conversation = this.server.store.conversations.get(`d_${this.dice.pick(FRIENDS)}`);
    if (conversation !== undefined)
      this.server.otherMutes(conversation, this.dice.chance(0.5) ? {} : undefined);
  }

  /** The user decides about what has failed. */
  #again(): void {
    for (const { id, state } of this.#now.unsent.get()) {
      if (state !== "failed") continue;
      const thread = this.#now.thread({ to: "bob" });
      if (this.dice.chance(0.7)) thread.retry(id);
      else {
        thread.discard(id);
        this.#discarded.add(id);
      }
    }
  }

  /** What must hold at any time. */
  async #look(): Promise<void> {
    frozen(this.#now.conversations.get());
    if ((await this.#list?.isBehind(this.clock)) === true)
      this.#blame("the list has changed, and nobody was told");
    for (const [name, { thread, watcher }] of this.#open) {
      const view = frozen(thread.get());
      if (view !== thread.get()) this.#blame(`the view of ${name} is another object each time`);
      if (await watcher.isBehind(this.clock)) this.#blame(`${name} has changed, and nobody was told`);
      this.#noHole(name, view);
    }
  }

  /** Between the first and the last line that are shown there is every line that the server has there. */
  #noHole(name: string, { lines, conversation }: ThreadView<Body>): void {
    const stored = this.server.store.conversations.get(conversation ?? "");
    const [first, last] = [lines[0]?.seq ?? 0, lines.at(-1)?.seq ?? 0];
    const wanted = (stored?.events ?? []).filter(
      (event) => isLine(event as ConversationEvent<unknown>) && event.seq >= first && event.seq <= last,
    );
    const seqs = lines.map(({ seq }) => seq);
    if (lines.length > 10) this.#blame(`${name} holds ${lines.length} lines`);
    if (first > 0 && seqs.join(" ") !== wanted.map(({ seq }) => seq).join(" "))
      this.#blame(`${name} shows ${seqs.join(" ")} of ${wanted.map(({ seq }) => seq).join(" ")}`);
  }

  async #calm(): Promise<void> {
    const { server } = this;
    server.temper = "well";
    server.trouble = 0;
    server.latencyMs = () => this.dice.between(1, 40);
    this.#token = async () => this.goodToken();
    if (this.#now.status.get().state === "closed") await this.#restart();
    await this.clock.pass(CALM_MS);
    // A hello of the life before came late, and took this one's place; or a server refused this one for good.
    const isEnded = (): boolean => this.mayEndWith.has(this.#now.status.get().error?.code ?? "");
    for (let i = 0; i < 3 && this.#now.status.get().state === "closed" && isEnded(); i += 1) {
      await this.#restart();
      await this.clock.pass(CALM_MS);
    }
    await this.#judge("in the calm");
  }

  async #judge(when: string): Promise<void> {
    await this.#look();
    const { state, error } = this.#now.status.get();
    assert.equal(state, "online", `${when}: ${String(error)}`);
    this.#judgeSends(when);
    assert.deepEqual(plain(this.#now.conversations.get().conversations), plain(this.#expectedList()), when);
    for (const [name, { thread }] of this.#open) await this.#judgeThread(`${name} ${when}`, thread);
  }

  /** What was written is stored once, or has failed, and the user knows. */
  #judgeSends(when: string): void {
    const unsent = this.#now.unsent.get();
    for (const { id, state } of unsent) if (state !== "failed") this.#blame(`${id} is ${state} ${when}`);
    const stored = [...this.server.store.conversations.values()].flatMap(({ events }) => events);
    if (when === "of a fresh reader") return;
    for (const id of this.#written) {
      const times = stored.filter((event) => event.kind === "message" && event.id === id).length;
      const isKnown = this.#discarded.has(id) || unsent.some((pending) => pending.id === id);
      if (times > 1 || (times === 0 && !isKnown)) this.#blame(`${id} is stored ${times} times ${when}`);
    }
  }

  async #judgeThread(name: string, thread: Thread<Body>): Promise<void> {
    const stored = this.server.store.conversations.get(thread.conversation ?? "");
    if (stored === undefined) return;
    void thread.jumpToLatest();
    await this.clock.pass(2_000);
    const expected = this.#linesOf(stored);
    const { lines, hasNewer, loading, error } = thread.get();
    if (hasNewer || loading !== undefined || error !== undefined)
      this.#blame(`${name}: ${String(hasNewer)} ${String(loading)} ${String(error)}`);
    assert.deepEqual(plain(lines), plain(expected.slice(-lines.length)), name);
    for (let i = 0; thread.get().hasOlder && i < expected.length; i += 1) {
      void thread.loadOlder();
      await this.clock.pass(500);
      this.#noHole(name, thread.get());
    }
    assert.deepEqual(plain(thread.get().lines), plain(expected.slice(0, thread.get().lines.length)), name);
    for (let i = 0; thread.get().hasNewer && i < expected.length; i += 1) {
      void thread.loadNewer();
      await this.clock.pass(500);
      this.#noHole(name, thread.get());
    }
    assert.equal(thread.get().lines.at(-1)?.seq, expected.at(-1)?.seq, name);
  }

  #linesOf(stored: Conversation): ChatEvent[] {
    return stored.events
      .filter((event) => isLine(event as ConversationEvent<unknown>))
      .map((event) => this.server.store.shown(stored, event));
  }

  #expectedList(): Partial<ConversationView<Body>>[] {
    return [...this.server.store.conversations.values()]
      .map((stored) => ({
        id: stored.id,
        kind: stored.peer === undefined ? ("group" as const) : ("direct" as const),
        name: stored.peer ?? stored.id,
        peer: stored.peer,
        isMember: true,
        first: 1,
        head: stored.events.length,
        read: stored.mark,
        unread: stored.no - stored.markNo,
        pins: [],
        muted: stored.muted,
        settingsAt: stored.settingsAt,
        last: this.#linesOf(stored).at(-1) as ConversationView<Body>["last"],
        activeAt: stored.events.at(-1)?.ts ?? 0,
        no: stored.no,
        lastAt: stored.events.length,
        isCounted: true,
      }))
      .sort((a, b) => b.activeAt - a.activeAt || (a.id < b.id ? -1 : 1));
  }

  async #end(): Promise<void> {
    this.#leaveAll();
    void this.#now.close();
    await this.clock.pass(1_000);
    if (this.clock.sleepers > 0) this.#blame(`${this.clock.sleepers} timers are left`);
  }
}

/** Without fields that are absent in one form and undefined in the other. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Runs one seed; throws with all that is needed to replay it. */
export async function runChatModel(seed: number): Promise<void> {
  const unhandled: string[] = [];
  const onUnhandled = (error: unknown): number => unhandled.push(`unhandled: ${String(error)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    const findings = await new ChatModel(seed).run();
    assert.deepEqual([...findings, ...unhandled].slice(0, 5), [], `replay it with CHAT_SEED=${seed}`);
  } catch (error) {
    throw new Error(`seed ${seed} breaks; replay it with CHAT_SEED=${seed}`, { cause: error });
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}

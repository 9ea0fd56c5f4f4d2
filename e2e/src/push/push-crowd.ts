import { setTimeout as sleep } from "node:timers/promises";
import { ChatError, registerPush, registeredPush } from "@jichat/client";
import { ChatClient } from "@jichat/client/chat-client.ts";
import type { Target, WriteResult } from "@jichat/client/types.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { DarkProxy } from "../dark-proxy.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../mint.ts";
import type { Message, Person, Read } from "./judgement.ts";
import { PresenceDiary } from "./presence-diary.ts";

/** They talk, and look at their device all the time. */
const TALKERS = 30;
/** They have no session at all. */
const AWAY = 14;
/** Their laptop is live and idle, and they read there; their phone is away. Both receive pushes. */
const READERS = 12;
/** They look, behind a connection that stops to answer in the middle of the run. */
const HALF_OPEN = 4;

const GROUPS = 40;
const PATIENCE_MS = 60_000;
const SAY_MS = 420;
const READ_MS = 1_500;
const CALLED_GONE = 4;
/** A message that is as old may still wait for its provider, and goes with its registration. */
const PENDING_MS = 120_000;
/** Workers have heard of a registration by then. */
const HEARD_MS = 3_000;
/** A message may have left before the connection went dark. */
const DARK_MS = 200;

/** What nobody may find in a log: the tokens of devices, and what is said. */
export const SECRET = "nobody-else-reads-this";
const tokenOf = (user: string, device: string): string => `${SECRET}-${user}-${device}`;

/** One person of a crowd. Each has a phone that is registered for pushes. */
interface Member {
  readonly user: string;
  readonly client?: ChatClient;
  /** Of somebody who looks. */
  readonly diary?: PresenceDiary;
  /** Of a laptop that nobody looks at, and that is registered for pushes too. */
  readonly laptop?: PresenceDiary;
  readonly groups: Group[];
  awayFrom: number;
  readonly unregistered: { readonly from: number; to: number }[];
}
interface Group {
  readonly conversation: string;
  readonly members: readonly string[];
}

/** Sixty people of whom half are away. What they did is told to a judge. */
export class PushCrowd {
  readonly messages: Message[] = [];
  readonly reads: Read[] = [];
  readonly #stack: Stack;
  readonly #dice: Dice;
  readonly #talkers: Member[] = [];
  readonly #away: Member[] = [];
  readonly #readers: Member[] = [];
  readonly #halfOpen: Member[] = [];
  readonly #proxy: DarkProxy;
  readonly #heads = new Map<string, Map<string, number>>();
  #said = 0;

  private constructor(stack: Stack, dice: Dice, proxy: DarkProxy) {
    this.#stack = stack;
    this.#dice = dice;
    this.#proxy = proxy;
  }

  static async arrive(stack: Stack, dice: Dice): Promise<PushCrowd> {
    const crowd = new PushCrowd(stack, dice, await DarkProxy.before(stack.wsUrls[0] ?? ""));
    await crowd.#arrive();
    await crowd.#found();
    return crowd;
  }

  get #all(): readonly Member[] {
    return [...this.#talkers, ...this.#away, ...this.#readers, ...this.#halfOpen];
  }

  get people(): readonly Person[] {
    return this.#all.map(({ user, awayFrom, unregistered, diary, laptop }) => ({
      user,
      devices: ["phone"],
      awayFrom,
      unregistered,
      active: diary?.times ?? [],
      live: (laptop?.times ?? []).map((times) => ({ device: "laptop", ...times })),
    }));
  }

  async #arrive(): Promise<void> {
    const named = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${kind}${i}`);
    for (const user of named("talker", TALKERS)) this.#talkers.push(await this.#looking(user));
    for (const user of named("half", HALF_OPEN))
      this.#halfOpen.push(await this.#looking(user, [this.#proxy.url]));
    for (const user of named("reader", READERS)) {
      const client = await this.#live(user, "laptop", false);
      this.#readers.push({
        user,
        client,
        laptop: new PresenceDiary(client),
        groups: [],
        awayFrom: 0,
        unregistered: [],
      });
      void this.#listen(user, client);
    }
    for (const user of named("away", AWAY)) {
      (await this.#live(user, "laptop", false)).close();
      this.#away.push({ user, groups: [], awayFrom: 0, unregistered: [] });
    }
    for (const { user } of this.#all) await this.#register(user, "phone");
    for (const { user } of this.#readers) await this.#register(user, "laptop");
  }

  async #register(user: string, device: string): Promise<void> {
    const wish = { kind: "webhook", token: tokenOf(user, device), locale: "en", preview: "text" } as const;
    await registerPush({ token: this.#tokenOf(user) }, device, wish, { api: this.#stack.apiUrl });
  }

  /** Groups of three to twelve, each with somebody who talks. */
  async #found(): Promise<void> {
    for (let i = 0; i < GROUPS; i += 1) {
      const talker = this.#dice.pick(this.#talkers);
      const size = this.#dice.int(2, 11);
      const others = new Set<Member>();
      while (others.size < size) others.add(this.#dice.pick(this.#all));
      others.delete(talker);
      const members = [talker, ...others].map(({ user }) => user);
      const made = await talker.client?.createGroup(`group ${i}`, members);
      if (made === undefined) throw new Error("a talker has a client");
      for (const one of [talker, ...others]) one.groups.push({ conversation: made.conversation, members });
    }
  }

  #tokenOf(user: string): string {
    return mint(this.#stack.secrets.signingKeyFile, { sub: user });
  }

  async #looking(user: string, urls = this.#stack.wsUrls): Promise<Member> {
    const client = await this.#live(user, "phone", true, urls);
    const diary = new PresenceDiary(client);
    return { user, client, diary, groups: [], awayFrom: Number.POSITIVE_INFINITY, unregistered: [] };
  }

  async #live(
    user: string,
    device: string,
    isActive: boolean,
    urls = this.#stack.wsUrls,
  ): Promise<ChatClient> {
    const client = new ChatClient({ urls, device, token: async () => this.#tokenOf(user) });
    client.setActive(isActive);
    const feed = client.events();
    await client.connect({ timeoutMs: PATIENCE_MS });
    for await (const notice of feed) if (notice.t === "conversations" && notice.complete) break;
    return client;
  }

  async #listen(user: string, client: ChatClient): Promise<void> {
    const heads = new Map<string, number>();
    this.#heads.set(user, heads);
    for await (const notice of client.events())
      if (notice.t === "event") heads.set(notice.event.conversation, notice.event.seq);
  }

  /** The connections of those behind the proxy answer no more. */
  goDark(): void {
    this.#proxy.isDark = true;
    for (const one of this.#halfOpen) {
      one.diary?.end();
      one.awayFrom = Date.now() + DARK_MS;
    }
  }

  /**
   * A provider says of some phones that they are gone, until none of them is registered any more. Then each
   * registers anew, as an app does at its start. `lie` is called with their tokens, and then with none.
   */
  async beCalledGone(lie: (tokens: readonly string[]) => void): Promise<void> {
    const some = this.#away.slice(0, CALLED_GONE);
    const from = Date.now();
    const times = some.map(({ unregistered }) => {
      const time = { from: from - PENDING_MS, to: Number.POSITIVE_INFINITY };
      unregistered.push(time);
      return time;
    });
    lie(some.map(({ user }) => tokenOf(user, "phone")));
    for (const { user } of some)
      await until(`${user}'s registration is removed`, PATIENCE_MS, async () => !(await this.#isThere(user)));
    lie([]);
    for (const { user } of some) await this.#register(user, "phone");
    for (const time of times) time.to = Date.now() + HEARD_MS;
  }

  async #isThere(user: string): Promise<boolean> {
    try {
      await registeredPush({ token: this.#tokenOf(user) }, "phone", { api: this.#stack.apiUrl });
      return true;
    } catch (error) {
      if (error instanceof ChatError && error.code === "NOT_FOUND") return false;
      throw error;
    }
  }

  /** Talks until there are `count` messages and `over` has settled, then waits for the last acks. */
  async talk(count: number, over: Promise<unknown>): Promise<void> {
    const ended = new AbortController();
    const end = (): void => {
      ended.abort();
    };
    over.then(end, end);
    const isOver = (): boolean => ended.signal.aborted && this.#said >= count;
    await Promise.all([
      ...this.#talkers.map(async (one) => this.#talk(one, isOver)),
      ...this.#readers.map(async (one) => this.#read(one, isOver)),
    ]);
  }

  async #talk({ user, client, groups }: Member, isOver: () => boolean): Promise<void> {
    if (client === undefined) throw new Error("a talker has a client");
    const open: Promise<void>[] = [];
    while (!isOver()) {
      await sleep(this.#dice.between(0, 2 * SAY_MS));
      this.#said += 1;
      const group = this.#dice.chance(0.4) && groups.length > 0 ? this.#dice.pick(groups) : undefined;
      const other = this.#dice.chance(0.1)
        ? this.#talkers
        : [...this.#away, ...this.#readers, ...this.#halfOpen];
      const to = this.#dice.pick(other).user;
      if (group === undefined && to === user) continue;
      const members = group?.members ?? [to];
      const target = group === undefined ? { to } : { conversation: group.conversation };
      open.push(
        this.#say(
          client,
          target,
          members.filter((one) => one !== user),
        ),
      );
    }
    await Promise.all(open);
  }

  async #say(client: ChatClient, target: Target, to: readonly string[]): Promise<void> {
    const text = `${SECRET} ${this.#said}`;
    const { conversation, seq, ts }: WriteResult = await client.send(target, { text });
    this.messages.push({ conversation, seq, to, at: ts });
  }

  async #read({ user, client }: Member, isOver: () => boolean): Promise<void> {
    if (client === undefined) throw new Error("a reader has a client");
    while (!isOver()) {
      await sleep(this.#dice.between(0, 2 * READ_MS));
      const heads = [...(this.#heads.get(user) ?? [])];
      if (heads.length === 0) continue;
      const [conversation, head] = this.#dice.pick(heads);
      const { seq } = await client.read(conversation, head);
      this.reads.push({ user, conversation, seq, at: Date.now() });
    }
  }

  leave(): void {
    for (const { client } of this.#all) client?.close();
    this.#proxy.close();
  }
}

import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { Arrival } from "@jichat/presence/arrivals.ts";
import type { ListCache } from "@jichat/edge/list-cache.ts";
import type { Sessions } from "@jichat/router/ports.ts";
import type { Candidates } from "@jichat/presence/candidates.ts";
import { EVERYBODY, NO_CANDIDATES } from "@jichat/presence/candidates.ts";
import type { ReadList, SessionEntry, StoredHead, StoredList } from "@jichat/presence/presence-texts.ts";
import { isWhole } from "@jichat/presence/presence-texts.ts";
import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";
import { updateCost } from "@jichat/presence/presence-update.ts";
import type { Guards } from "./guards.ts";
import { SessionsModel } from "./sessions-model.ts";
import type { Machine, Time } from "./world.ts";

/**
 * The cost of a router's largest script, apart from one long head; and the cost that Redis can do in time.
 */
export const SCRIPT_COST_MAX = 4;
const COST_IN_TIME = 10;
const LOOK_MS = 1_000;
/** Those with a device that receives pushes, and how long after a loss Redis lacks the set of them. */
export const PUSHED: ReadonlySet<string> = new Set(["bob", "cat"]);
const PUSHED_AGAIN_MS = 1_500;

/** What a machine knows about Redis. */
interface Client {
  run: number;
  gaveUpAt: number;
  readonly act: () => void;
}

const briefOf = ({ conversation, position, ts }: StoredHead): StoredHead => ({ conversation, position, ts });

/**
 * A model of Redis. It refuses lower positions, loses everything in a loss, and forgets a connector that does
 * not renew.
 */
export class RedisModel {
  readonly #time: Time;
  readonly #guards: Guards;
  #heads = new Map<string, StoredHead>();
  #lists = new Map<string, Map<string, ListEntry>>();
  #complete = new Set<string>();
  #done = new Map<number, number>();
  #folded = new Map<number, number>();
  #sessions: SessionsModel;
  readonly #clients = new Map<Machine, Client>();
  /** From when on the set of those who receive pushes is complete. */
  #pushedFrom = 0;
  awayUntil = 0;
  run = 1;

  constructor(time: Time, guards: Guards) {
    this.#time = time;
    this.#guards = guards;
    this.#sessions = new SessionsModel(time);
  }

  #forget(): void {
    this.#heads = new Map();
    this.#lists = new Map();
    this.#complete = new Set();
    this.#done = new Map();
    this.#folded = new Map();
    this.#sessions = new SessionsModel(this.#time);
    this.#pushedFrom = Math.max(this.#time.now, this.awayUntil) + PUSHED_AGAIN_MS;
  }

  /** Those who may receive pushes, as the script reads them. */
  #candidates(): Candidates {
    if (this.#time.now >= this.#pushedFrom) return PUSHED;
    return this.#guards.everybodyPushed ? EVERYBODY : NO_CANDIDATES;
  }

  /** Loses all data, and does not answer for a while. */
  lose(awayMs: number): void {
    this.#forget();
    this.awayUntil = this.#time.now + awayMs;
    this.run += 1;
    this.#time.after(awayMs + 1, () => {
      for (const client of this.#clients.values()) this.#meet(client);
    });
  }

  /** Does not answer for a while. The data stays. */
  pause(ms: number): void {
    this.awayUntil = Math.max(this.awayUntil, this.#time.now + ms);
  }

  /** Calls `act` each time this machine finds other data than it knew. The machine checks now and then. */
  onRun(machine: Machine, act: () => void): () => void {
    this.#clients.set(machine, { run: this.run, gaveUpAt: -Infinity, act });
    void this.#look(machine);
    return () => this.#clients.delete(machine);
  }

  async #look(machine: Machine): Promise<void> {
    while (this.#clients.has(machine)) {
      await machine.clock.sleep(LOOK_MS);
      // Redis is away, or `reach` has noticed the other data.
      await this.reach(machine).catch(() => undefined);
    }
  }

  /** Loses all data without notice: a machine that looks for the name of the data finds none. */
  flush(): void {
    this.#forget();
    if (this.#guards.name) this.run += 1;
  }

  /** The name of the data that this machine has met. Every request looks for it. */
  nameFor(machine: Machine): string {
    return String(this.#clients.get(machine)?.run ?? this.run);
  }

  async reach(machine: Machine): Promise<void> {
    await machine.alive();
    await machine.hop();
    if (this.#time.now < this.awayUntil) throw new Error("Redis is away");
    const client = this.#clients.get(machine);
    if (client === undefined || client.run === this.run) return;
    this.#meet(client);
    throw new Error("the data that was here is lost");
  }

  #meet(client: Client): void {
    client.run = this.run;
    this.#time.after(1, client.act);
  }

  async #back(machine: Machine): Promise<void> {
    await machine.hop();
    await machine.alive();
  }

  #putHead(head: StoredHead): void {
    const known = this.#heads.get(head.conversation);
    const ahead = known === undefined ? -1 : known.position - head.position;
    const isMore = known !== undefined && isWhole(head) && !isWhole(known);
    if (!this.#guards.refuseLower || ahead < 0 || (ahead === 0 && isMore))
      this.#heads.set(head.conversation, head);
  }

  #putEntry(user: string, entry: ListEntry): void {
    const list = this.#lists.get(user) ?? new Map<string, ListEntry>();
    this.#lists.set(user, list);
    const known = list.get(entry.conversation);
    if (!this.#guards.refuseLower || known === undefined || known.position < entry.position)
      list.set(entry.conversation, entry);
  }

  #letGo({ partition, position, unsure }: PresenceUpdate): void {
    if (unsure.length > 0) rise(this.#folded, { partition, position });
    if (this.#guards.unsure) for (const user of unsure) this.#complete.delete(user);
  }

  /** Whether no stored head is outdated: effects may come long after their events were pulled. */
  isLevelWith(headSeqs: ReadonlyMap<string, number>): boolean {
    return [...this.#heads.values()].every(
      (head) => !isWhole(head) || head.seq >= (headSeqs.get(head.conversation) ?? 0),
    );
  }

  /** The sessions as one router reaches them. */
  sessionsFor(machine: Machine): Sessions {
    return {
      publish: async (update) => {
        await this.reach(machine);
        const read = (): Map<string, string[]> =>
          new Map(update.users.map((user) => [user, this.#sessions.connectorsOf(user)]));
        const early = this.#guards.headsFirst ? undefined : read();
        // A session that registers during this time is not seen.
        if (early !== undefined) await this.#time.sleep(machine.dice.between(0, 400));
        for (const head of update.heads) if (isWhole(head) || this.#guards.briefs) this.#putHead(head);
        for (const { user, entry } of update.entries) this.#putEntry(user, entry);
        this.#letGo(update);
        if (update.isDone) rise(this.#done, update);
        const online = early ?? read();
        // The script has run, but its caller does not learn of it.
        if (updateCost(update) > COST_IN_TIME) throw new Error("the script took too long");
        const candidates = update.users.length === 0 ? NO_CANDIDATES : this.#candidates();
        await this.#back(machine);
        return { online, candidates };
      },
      giveUp: async (lostAt) => {
        const client = this.#clients.get(machine);
        if (!this.#guards.giveUp || client === undefined || client.gaveUpAt >= lostAt) return;
        const began = this.#time.now;
        await this.reach(machine);
        this.#forget();
        this.run += 1;
        client.gaveUpAt = began;
      },
      isAlive: async (connector) => {
        await this.reach(machine);
        const isAlive = this.#sessions.isAlive(connector);
        await this.#back(machine);
        return isAlive;
      },
    };
  }

  /** The lists as one connector reaches them, for `sync`. */
  cacheFor(machine: Machine): ListCache {
    return {
      run: () => this.nameFor(machine),
      list: async (user) => {
        const list = await this.#ask(machine, () => this.#listOf(machine, user));
        return { ...list, heads: await this.#headsOf(machine, list) };
      },
      heads: async (conversations, user) =>
        this.#ask(machine, () =>
          conversations.map((conversation) => {
            const head = this.#heads.get(conversation);
            const isIn = this.#lists.get(user)?.get(conversation)?.left === undefined;
            return head !== undefined && isWhole(head) && isIn ? head : undefined;
          }),
        ),
      mergeList: async (run, user, { entries, heads, wholeAt }) =>
        this.#ask(machine, () => {
          if (this.#guards.sameRun && run !== this.nameFor(machine))
            throw new Error("Redis was lost meanwhile");
          for (const entry of entries) this.#putEntry(user, entry);
          for (const head of heads) this.#putHead(head);
          if (wholeAt === undefined) return;
          if (this.#guards.wholeAt && wholeAt.some((at, p) => (this.#folded.get(p) ?? 0) > at))
            throw new Error("something was let go meanwhile");
          this.#complete.add(user);
        }),
    };
  }

  async headPosition(machine: Machine, conversation: string): Promise<number | undefined> {
    await this.reach(machine);
    return this.#heads.get(conversation)?.position;
  }

  /** Returns false if the key had lapsed: sessions must then be registered again. */
  async renew(machine: Machine, connector: string): Promise<boolean> {
    await this.reach(machine);
    if (!this.#sessions.isAlive(connector)) return false;
    this.#sessions.announce(connector);
    return true;
  }

  async announce(machine: Machine, connector: string): Promise<void> {
    await this.reach(machine);
    this.#sessions.announce(connector);
  }

  /**
   * Returns the birth stamp, the displaced session, and the list at this moment. The heads of the list come
   * later, as for a long list.
   */
  async register(
    machine: Machine,
    user: string,
    device: string,
    { connector, session, birth, ageMs }: Omit<Arrival, "credential" | "user" | "device" | "isSyncing">,
  ): Promise<{ birth: number; displaced: SessionEntry | "younger" | undefined; list: ReadList }> {
    const age = birth === undefined ? ageMs() : 0;
    const sent = this.#time.now - (age ?? 0);
    await this.reach(machine);
    const at = { connector, session, birth: birth ?? sent };
    const displaced = this.#sessions.swapIn(user, device, at, age === undefined);
    const list = this.#listOf(machine, user);
    await this.#back(machine);
    return {
      birth: at.birth,
      displaced,
      list: async () => ({ ...list, heads: await this.#headsOf(machine, list) }),
    };
  }

  async #ask<T>(machine: Machine, read: () => T): Promise<T> {
    await this.reach(machine);
    const result = read();
    await this.#back(machine);
    return result;
  }

  /** The heads of a list that is too long for one script. */
  async #headsOf(machine: Machine, { entries }: Pick<StoredList, "entries">): Promise<StoredList["heads"]> {
    return this.#ask(machine, () =>
      entries.map(({ conversation }) => {
        const head = this.#heads.get(conversation);
        return head && briefOf(head);
      }),
    );
  }

  #listOf(machine: Machine, user: string): Omit<StoredList, "heads"> {
    return {
      run: this.nameFor(machine),
      done: new Map(this.#done),
      complete: !this.#guards.rebuild || this.#complete.has(user),
      entries: [...(this.#lists.get(user)?.values() ?? [])],
    };
  }
}

function rise(
  positions: Map<number, number>,
  { partition, position }: Pick<PresenceUpdate, "partition" | "position">,
): void {
  positions.set(partition, Math.max(positions.get(partition) ?? 0, position));
}

import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { CONNECTOR_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Arrival, Arrived } from "./arrivals.ts";
import { Arrivals, DEVICES_PER_USER_MAX } from "./arrivals.ts";
import { ListReader } from "./list-reader.ts";
import type { RunScript } from "./named-script.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { ListPart, ReadList, StoredHead, StoredList } from "./presence-texts.ts";
import { entryText } from "./presence-texts.ts";
import type { PresenceUpdate } from "./presence-update.ts";
import { SCRIPT_COST_MAX, headArgs, publishArgs, updateCost } from "./presence-update.ts";
import type { RedisConnection } from "./redis.ts";
import type { RedisData } from "./redis-data.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";

/** From the last write on; for a head or a list up to a day less. */
const KEEP_SECONDS = 7 * 24 * 3_600;
const DAY_MS = 24 * 3_600_000;
/** What scripts that write heads and lists begin with. */
const keepFrom = (now: number): (string | number)[] => [KEEP_SECONDS, Math.floor(now / DAY_MS)];

export interface PresenceParts {
  readonly redis: Pick<RedisConnection, "del" | "scanStream">;
  /** Of the same connection. */
  readonly data: RedisData;
  readonly devicesMax?: number;
}

/**
 * Redis as a cache of who is where and what is new. Every key carries the name of the data that is in it
 * (`RedisData`): under another name all counts as absent.
 */
export class Presence {
  readonly #redis: Pick<RedisConnection, "del" | "scanStream">;
  readonly #data: RedisData;
  readonly #updates = new Rounds(
    async (updates: readonly PresenceUpdate[]) => this.#publishAll(updates),
    updateCost,
    SCRIPT_COST_MAX,
  );
  readonly #arrivals: Arrivals;
  readonly #reader: ListReader;

  constructor({ redis, data, devicesMax = DEVICES_PER_USER_MAX }: PresenceParts) {
    this.#redis = redis;
    this.#data = data;
    const run: RunScript = async (script, args) => this.#data.script(script, args);
    this.#arrivals = new Arrivals(run, KEEP_SECONDS, devicesMax);
    this.#reader = new ListReader(run);
  }

  get ready(): boolean {
    return this.#data.name !== "";
  }

  /** Names what is in this Redis until it is gone; empty while it is not known. */
  run(): string {
    return this.#data.name;
  }

  /** Milliseconds on the monotonic clock since when this data is known; 0 before the first. */
  get runSince(): number {
    return this.#data.since;
  }

  /** Calls back each time Redis is met anew, or other data in it; the first time included. */
  onRun(act: () => void): void {
    this.#data.onMet(act);
  }

  /** What has not been told to Redis by `lostAt` (monotonic) is too much: all in it counts as lost. */
  async giveUp(lostAt: number): Promise<void> {
    return this.#data.giveUp(lostAt);
  }

  /**
   * Writes heads, entries, whose lists are not known any more, and the done position; then, in the same
   * script, reads who is online where. The map may name more users than were asked for: updates of several
   * partitions travel together. Who has more than `SCRIPT_COST_MAX` tells it in parts.
   */
  async publish(update: PresenceUpdate): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#updates.submit(update);
  }

  async #publishAll(updates: readonly PresenceUpdate[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const users = [...new Set(updates.flatMap((update) => update.users))];
    const args = [...keepFrom(systemClock.now()), ...publishArgs(updates), ...users];
    const found = (await this.#data.script(SCRIPTS.publish, args)) as string[];
    return new Map(
      users.map((user, index) => [user, found[index] === "" ? [] : (found[index] ?? "").split(" ")]),
    );
  }

  /**
   * Adds what storage knows to a user's list. With the last of it, which tells as of which positions it was
   * read, the list is whole from here on: unless what was let go since is not in it.
   */
  async mergeList(run: string, user: string, { entries, heads, wholeAt }: ListPart): Promise<void> {
    if (run !== this.#data.name) throw new Error("Redis was lost while a list was rebuilt for it");
    const args = [...keepFrom(systemClock.now()), user, wholeAt?.join(" ") ?? "", entries.length];
    for (const entry of entries) args.push(entry.conversation, entryText(entry));
    for (const head of heads) args.push(...headArgs(head));
    if ((await this.#data.script(SCRIPTS.merge, args)) === "old")
      throw new Error("a list was rebuilt as of before what is not known any more");
  }

  /** Empty while fewer than `partitions` are done here: nobody may use it yet. */
  async list(user: string, partitions: number): Promise<StoredList> {
    const run = this.run();
    return { run, ...(await this.#reader.list(user, partitions)) };
  }

  /**
   * One for each of `conversations`; undefined where this Redis knows none, or but its brief, or `user` is not
   * in there.
   */
  async heads(conversations: readonly string[], user?: string): Promise<(HeadEntry | undefined)[]> {
    return this.#reader.heads(conversations, user);
  }

  /** Where their heads stand; undefined where this Redis knows none. */
  async briefs(conversations: readonly string[]): Promise<(StoredHead | undefined)[]> {
    return this.#reader.briefs(conversations);
  }

  /** Every head that this Redis knows whole, a few at a time: for repairs, not for the message path. */
  async *allHeads(): AsyncGenerator<HeadEntry> {
    const prefix = `${this.#data.prefix}h:`;
    for await (const keys of this.#redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      const conversations = (keys as string[]).map((key) => key.slice(prefix.length));
      for (const head of await this.heads(conversations)) if (head !== undefined) yield head;
    }
  }

  /** Resolves once Redis is there; UNAVAILABLE after `ms`. */
  async untilReady(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (!this.ready) {
      if (performance.now() > end) throw new ChatError("UNAVAILABLE", "Redis is not reachable");
      await systemClock.sleep(50);
    }
  }

  /**
   * Whether the connector's key was still there to be renewed; false means its sessions must be registered
   * again.
   */
  async renewConnector(connector: string): Promise<boolean> {
    return (await this.#data.script(SCRIPTS.renew, [connector, CONNECTOR_TTL_MS])) === 1;
  }

  async announceConnector(connector: string): Promise<void> {
    await this.#data.script(SCRIPTS.announce, [connector, CONNECTOR_TTL_MS]);
  }

  async removeConnector(connector: string): Promise<void> {
    await this.#redis.del(`${this.#data.prefix}c:${connector}`);
  }

  async isAlive(connector: string): Promise<boolean> {
    return (await this.#data.script(SCRIPTS.alive, [connector])) === 1;
  }

  /**
   * Swaps a device's session in: whom it displaced; and where its sync has come by then its list, no older
   * than that.
   */
  async register(arrival: Arrival): Promise<Omit<Arrived, "list"> & { readonly list: ReadList | undefined }> {
    const run = this.run();
    const { list, ...displaced } = await this.#arrivals.arrive(arrival);
    return { ...displaced, list: list && (async () => ({ run, ...(await this.#reader.whole(list)) })) };
  }

  /** Takes a session away if it is still this one: a late goodbye must not remove its successor. */
  async unregister(user: string, device: string, session: string): Promise<void> {
    await this.#data.script(SCRIPTS.unregister, [user, device, session]);
  }
}

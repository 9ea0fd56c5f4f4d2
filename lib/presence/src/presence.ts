import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { CONNECTOR_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { OtherConnector } from "./announcement.ts";
import { readAnnouncement } from "./announcement.ts";
import type { Arrival, Arrived } from "./arrivals.ts";
import { Arrivals, DEVICES_PER_USER_MAX } from "./arrivals.ts";
import type { Candidates } from "./candidates.ts";
import { readCandidates } from "./candidates.ts";
import { Departures } from "./departures.ts";
import { ListReader } from "./list-reader.ts";
import type { RunScript } from "./named-script.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { KnownDevice, ListPart, ReadList, StoredHead, StoredList } from "./presence-texts.ts";
import { entryText, readCredential } from "./presence-texts.ts";
import type { PresenceUpdate } from "./presence-update.ts";
import { SCRIPT_COST_MAX, headArgs, publishArgs, updateCost } from "./presence-update.ts";
import type { RedisConnection } from "./redis.ts";
import type { RedisData } from "./redis-data.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";

/** Seconds from the last write until a value expires; up to a day less for heads and lists. */
const KEEP_SECONDS = 7 * 24 * 3_600;
const DAY_MS = 24 * 3_600_000;
/** The value of a connector's key if it says nothing of itself. */
const UNSAID = "1";
/** The first arguments of scripts that write heads and lists. */
const keepFrom = (now: number): (string | number)[] => [KEEP_SECONDS, Math.floor(now / DAY_MS)];

/** What the script `publish` has read. It may name more users than were asked for. */
export interface Reached {
  /** The connectors of each user's sessions. */
  readonly online: ReadonlyMap<string, readonly string[]>;
  /** Those who may receive pushes. */
  readonly candidates: Candidates;
}

export interface PresenceParts {
  readonly redis: Pick<RedisConnection, "del" | "scanStream">;
  /** The data behind `redis`, on the same connection. */
  readonly data: RedisData;
  readonly devicesMax?: number;
}

/**
 * Redis as a cache of who is connected where, and of what is new. Every key carries the name of the current
 * data (`RedisData`); data under another name counts as absent.
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
  readonly #departures: Departures;
  readonly #reader: ListReader;

  constructor({ redis, data, devicesMax = DEVICES_PER_USER_MAX }: PresenceParts) {
    this.#redis = redis;
    this.#data = data;
    const run: RunScript = async (script, args) => this.#data.script(script, args);
    this.#arrivals = new Arrivals(run, KEEP_SECONDS, devicesMax);
    this.#data.onMet(() => {
      this.#arrivals.met();
    });
    this.#departures = new Departures(run);
    this.#reader = new ListReader(run);
  }

  get ready(): boolean {
    return this.#data.name !== "";
  }

  /** Name of the data in this Redis until that data is lost; empty while it is unknown. */
  run(): string {
    return this.#data.name;
  }

  /** Calls `act` each time Redis is connected or its data is new, including the first time. */
  onRun(act: () => void): void {
    this.#data.onMet(act);
  }

  /**
   * Gives up the data in Redis, since it lacks too much to be repaired. Does nothing if that happened since
   * `lostAt` (milliseconds, monotonic).
   */
  async giveUp(lostAt: number): Promise<void> {
    return this.#data.giveUp(lostAt);
  }

  /**
   * Writes heads, entries, unsure users and the done position. The same script then reads the connectors of
   * the users' sessions, and who of them may receive pushes. Updates of several partitions travel together.
   * The caller splits an update that costs more than `SCRIPT_COST_MAX`.
   */
  async publish(update: PresenceUpdate): Promise<Reached> {
    return this.#updates.submit(update);
  }

  async #publishAll(updates: readonly PresenceUpdate[]): Promise<Reached> {
    const users = [...new Set(updates.flatMap((update) => update.users))];
    const args = [...keepFrom(systemClock.now()), ...publishArgs(updates), ...users];
    const found = (await this.#data.script(SCRIPTS.publish, args)) as string[];
    const online = new Map(
      users.map((user, index) => [user, found[index] === "" ? [] : (found[index] ?? "").split(" ")]),
    );
    return { online, candidates: readCandidates(users, found[users.length] ?? "") };
  }

  /**
   * Adds what storage knows to a user's list. The last part says as of which positions the list was read;
   * from then on the list is complete. Throws if Redis's data is not `run` any more, or if the list may lack
   * entries that owners have dropped.
   */
  async mergeList(run: string, user: string, { entries, heads, wholeAt }: ListPart): Promise<void> {
    if (run !== this.#data.name)
      throw new Error("the data of Redis was lost while a list was rebuilt for it");
    const args = [...keepFrom(systemClock.now()), user, wholeAt?.join(" ") ?? "", entries.length];
    for (const entry of entries) args.push(entry.conversation, entryText(entry));
    for (const head of heads) args.push(...headArgs(head));
    if ((await this.#data.script(SCRIPTS.merge, args)) === "old")
      throw new Error("the list was rebuilt from positions before dropped entries");
  }

  /**
   * A user's list. It is empty and not complete while fewer than `partitions` partitions have reported how
   * far their effects are done: then nobody may use it.
   */
  async list(user: string, partitions: number): Promise<StoredList> {
    const run = this.run();
    return { run, ...(await this.#reader.list(user, partitions)) };
  }

  /**
   * One for each of `conversations`; `undefined` if this Redis has no whole head, or if `user` is given and
   * is no member.
   */
  async heads(conversations: readonly string[], user?: string): Promise<(HeadEntry | undefined)[]> {
    return this.#reader.heads(conversations, user);
  }

  /** One for each of `conversations`; `undefined` if this Redis has none. */
  async briefs(conversations: readonly string[]): Promise<(StoredHead | undefined)[]> {
    return this.#reader.briefs(conversations);
  }

  /** Every whole head in this Redis, a few at a time. For repairs, not for the message path. */
  async *allHeads(): AsyncGenerator<HeadEntry> {
    const prefix = `${this.#data.prefix}h:`;
    for await (const keys of this.#redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      const conversations = (keys as string[]).map((key) => key.slice(prefix.length));
      for (const head of await this.heads(conversations)) if (head !== undefined) yield head;
    }
  }

  /** Resolves once Redis is ready. Throws UNAVAILABLE after `ms`. */
  async untilReady(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (!this.ready) {
      if (performance.now() > end) throw new ChatError("UNAVAILABLE", "Redis is not reachable");
      await systemClock.sleep(50);
    }
  }

  /** Returns whether the connector's key still existed. If not, its sessions must be registered again. */
  async renewConnector(connector: string, says: string = UNSAID): Promise<boolean> {
    return (await this.#data.script(SCRIPTS.renew, [connector, CONNECTOR_TTL_MS, says])) === 1;
  }

  /** `says` is an `announcementText`. */
  async announceConnector(connector: string, says: string = UNSAID): Promise<void> {
    await this.#data.script(SCRIPTS.announce, [connector, CONNECTOR_TTL_MS, says]);
  }

  /** All connectors that live and announce something of themselves, or did so once. */
  async connectors(): Promise<readonly OtherConnector[]> {
    const texts = (await this.#data.script(SCRIPTS.connectors, [])) as string[];
    return Array.from({ length: texts.length / 2 }, (_, index) => {
      const [connector = "", text = ""] = texts.slice(2 * index, 2 * index + 2);
      return { connector, says: readAnnouncement(text) };
    });
  }

  async removeConnector(connector: string): Promise<void> {
    await this.#redis.del(`${this.#data.prefix}c:${connector}`);
  }

  async isAlive(connector: string): Promise<boolean> {
    return (await this.#data.script(SCRIPTS.alive, [connector])) === 1;
  }

  /**
   * Registers a device's session, and returns what it displaced. If its sync has already arrived, it also
   * returns its list, as of the registration.
   */
  async register(arrival: Arrival): Promise<Omit<Arrived, "list"> & { readonly list: ReadList | undefined }> {
    const run = this.run();
    const { list, ...displaced } = await this.#arrivals.arrive(arrival);
    return { ...displaced, list: list && (async () => ({ run, ...(await this.#reader.whole(list)) })) };
  }

  /** Removes the device's entry if it is still this session: a late goodbye must not remove its successor. */
  async unregister(user: string, device: string, session: string): Promise<void> {
    await this.#departures.depart(user, device, session);
  }

  /**
   * The user's devices that said hello while this data was in Redis, at most 100. Their credentials may have
   * expired or may be revoked by now.
   */
  async devices(user: string): Promise<readonly KnownDevice[]> {
    const texts = (await this.#data.script(SCRIPTS.devices, [user])) as string[];
    return Array.from({ length: texts.length / 3 }, (_, index) => {
      const [device = "", connected = "", credential = ""] = texts.slice(3 * index, 3 * index + 3);
      return { device, isConnected: connected === "1", credential: readCredential(credential) };
    });
  }
}

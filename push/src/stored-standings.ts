import type { ListEntry, ListReply } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { StorageClient } from "@jichat/log/storage-client.ts";
import { AgedMap } from "./aged-map.ts";
import type { Log, StoredStandings } from "./ports.ts";
import { Slots } from "./slots.ts";

/**
 * Entries of the lists that are kept, each list of one user and one partition. Whatever changes later is in
 * Redis, as long as that has the data for which the list was read.
 */
const ENTRIES_MAX = 100_000;
const AGE_MS = 600_000;
const ASKED_AT_ONCE_MAX = 16;
/** A storage that did not answer is asked again after this time. Meanwhile nothing is known. */
const REST_MS = 10_000;

export interface StoredStandingsParts {
  readonly storage: Pick<StorageClient, "ask">;
  readonly partitions: number;
  /** The name of the data in Redis. */
  readonly data: { readonly name: string };
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

type Entries = ReadonlyMap<string, ListEntry>;

/**
 * Standings of users whose lists Redis has lost: marks and mutes of people who are away, and who bring their
 * lists back only when they return. Without a storage that answers they are not known.
 */
export class StandingsOfStorage implements StoredStandings {
  readonly #parts: StoredStandingsParts;
  readonly #slots = new Slots({ limit: () => ASKED_AT_ONCE_MAX });
  readonly #lists: AgedMap<Entries>;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: StoredStandingsParts) {
    this.#parts = parts;
    const now = (): number => parts.clock.monotonic();
    this.#lists = new AgedMap(async (key) => this.#read(key), {
      max: ENTRIES_MAX,
      weightOf: ({ size }) => 1 + size,
      ageMs: () => AGE_MS,
      now,
    });
  }

  async of(user: string, conversation: string): Promise<ListEntry | undefined> {
    const { partitions, data } = this.#parts;
    const partition = partitionOf(conversation, partitions);
    try {
      return (await this.#lists.of(`${data.name} ${partition} ${user}`)).get(conversation);
    } catch (error) {
      if (!(error instanceof Resting)) this.#rest(error);
      return undefined;
    }
  }

  #rest(error: unknown): void {
    const { clock, log } = this.#parts;
    this.#restUntil = clock.monotonic() + REST_MS;
    log.warn({ err: error }, "storage does not know marks and mutes that Redis lost: pushes go by none");
  }

  async #read(key: string): Promise<Entries> {
    const [, partition, user = ""] = key.split(" ");
    await this.#slots.take();
    try {
      return await this.#ask(Number(partition), user);
    } finally {
      this.#slots.free();
    }
  }

  async #ask(partition: number, user: string): Promise<Entries> {
    const entries = new Map<string, ListEntry>();
    let after: string | undefined;
    do {
      if (this.#parts.clock.monotonic() < this.#restUntil) throw new Resting();
      const reply: ListReply = await this.#parts.storage.ask({
        v: 1,
        q: "list",
        partition,
        position: 0,
        user,
        brief: true,
        ...(after === undefined ? {} : { after }),
      });
      for (const entry of reply.entries) entries.set(entry.conversation, entry);
      after = reply.next;
    } while (after !== undefined);
    return entries;
  }
}

/** Storage is not asked for a while. */
class Resting extends Error {
  override readonly name = "Resting";
}

import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { StorageClient } from "@jichat/log/storage-client.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import { AgedMap } from "./aged-map.ts";
import type { Log, Said, StoredTexts, Told } from "./ports.ts";

/** Messages of one question. */
const EVENTS_MAX = 100;
/** Questions about one partition that are under way at once. */
const IN_FLIGHT_MAX = 2;
/** A message to many devices is asked about once. */
const TEXTS_MAX = 10_000;
const AGE_MS = 1_000;
/** A storage that did not answer is asked again after this time. Meanwhile nothing is known. */
const REST_MS = 10_000;

export interface StoredTextsParts {
  readonly storage: Pick<StorageClient, "ask">;
  /** The end of a partition's log, at or after the moment of the call. */
  readonly endOf: (partition: number) => Promise<number>;
  readonly partitions: number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

type EventId = FactsQuery["events"][number];
type Event = FactsReply["events"][number];
/** One of them, for a message that was found; undefined for one that storage does not know. */
type Found = Pick<Event, "recalled" | "text"> | undefined;

/**
 * What messages say now, since they may have been edited or recalled while their pushes waited. Storage is
 * asked as of the end of the log: an older answer could lack a recall that its author was acknowledged.
 */
export class TextsOfStorage implements StoredTexts {
  readonly #parts: StoredTextsParts;
  readonly #rounds = new Map<number, Rounds<EventId, readonly Event[]>>();
  readonly #found: AgedMap<Found>;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: StoredTextsParts) {
    this.#parts = parts;
    this.#found = new AgedMap(async (key) => this.#read(key), {
      max: TEXTS_MAX,
      ageMs: () => AGE_MS,
      now: () => parts.clock.monotonic(),
    });
  }

  async of({ conversation, seq, preview = "" }: Told): Promise<Said> {
    const { clock, log } = this.#parts;
    if (clock.monotonic() < this.#restUntil) return { is: "unknown" };
    try {
      const found = await this.#found.of(`${conversation} ${seq}`);
      if (found === undefined) return { is: "unknown" };
      // A storage of an earlier version knows of recalls, and tells no texts.
      return found.recalled === true ? { is: "recalled" } : { is: "said", text: found.text ?? preview };
    } catch (error) {
      if (clock.monotonic() < this.#restUntil) return { is: "unknown" };
      this.#restUntil = clock.monotonic() + REST_MS;
      log.warn(
        { err: error },
        "storage does not know what messages say by now: pushes that waited tell no text",
      );
      return { is: "unknown" };
    }
  }

  async #read(key: string): Promise<Found> {
    const [conversation = "", seq = "0"] = key.split(" ");
    const id = { conversation, seq: Number(seq) };
    const events = await this.#roundsOf(partitionOf(conversation, this.#parts.partitions)).submit(id);
    return events.find((event) => event.conversation === conversation && event.seq === id.seq);
  }

  #roundsOf(partition: number): Rounds<EventId, readonly Event[]> {
    const known = this.#rounds.get(partition);
    if (known !== undefined) return known;
    const rounds = new Rounds(
      async (events: readonly EventId[]) => this.#ask(partition, events),
      () => 1,
      EVENTS_MAX,
      { inFlightMax: IN_FLIGHT_MAX },
    );
    this.#rounds.set(partition, rounds);
    return rounds;
  }

  async #ask(partition: number, events: readonly EventId[]): Promise<readonly Event[]> {
    const { storage, endOf } = this.#parts;
    const reply: FactsReply = await storage.ask({
      v: 1,
      q: "facts",
      partition,
      position: await endOf(partition),
      conversations: [],
      ids: [],
      events,
      hasTexts: true,
    });
    return reply.events;
  }
}

import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { CONNECTOR_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import { readEntry } from "./presence-texts.ts";
import { PUSH_SCRIPTS } from "./push-scripts.ts";
import type { RedisData } from "./redis-data.ts";

/** Users that one script looks at: Redis does nothing else while it runs. */
const USERS_PER_SCRIPT_MAX = 250;
const NOTES_PER_SCRIPT_MAX = 1_000;
const SCRIPTS_IN_FLIGHT_MAX = 4;
/**
 * What is asked, and what is noted, gathers for as long: an exchange with Redis costs a worker more than what
 * one push needs of it. A note waits behind its push, which the device has by then.
 */
const GATHER_ASKS_MS = 5;
const GATHER_NOTES_MS = 10;
/** Connectors write their sessions again within this time after Redis has lost them. */
const SETTLED_MS = 2 * CONNECTOR_TTL_MS;
const KEEP_SECONDS = 7 * 24 * 3_600;
/** Another worker may begin its own walk in the middle of ours. */
const WALKS_MAX = 2;
/** Most parts of one list that are walked at once; a longer list shows no badge. */
const PARTS_MAX = 1_000;

/** A question about a user's standing in a conversation whose newest message has the number `no`. */
export interface PushAsk {
  readonly user: string;
  readonly conversation: string;
  /** 0 if the message is not to count as unread. */
  readonly no: number;
  /** Keys of notes: of each of the user's devices in this conversation. */
  readonly notes: readonly string[];
}

export interface PushFacts {
  readonly entry: ListEntry | undefined;
  /** Sessions whose connectors live. */
  readonly sessions: readonly { readonly device: string; readonly connector: string }[];
  /** By the order of `notes`: the newest seq that was pushed; 0 if there is none in 24 hours. */
  readonly shown: readonly number[];
}

/** What a push worker reads and notes in Redis, many users in one script. */
export class PushNotes {
  readonly #data: Pick<RedisData, "script">;
  readonly #facts = new Rounds(
    async (asks: readonly PushAsk[]) => this.#ask(asks),
    () => 1,
    USERS_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX, gatherMs: GATHER_ASKS_MS },
  );
  readonly #notes = new Rounds(
    async (lines: readonly string[]) => this.#data.script(PUSH_SCRIPTS.note, lines),
    () => 1,
    NOTES_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX, gatherMs: GATHER_NOTES_MS },
  );
  readonly #unread = new Rounds(
    async (users: readonly string[]) => this.#countUnread([...new Set(users)]),
    () => 1,
    USERS_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX, gatherMs: GATHER_ASKS_MS },
  );
  readonly #now: () => number;

  /** `now` is the cluster's time in milliseconds since 1970. */
  constructor(data: Pick<RedisData, "script">, now: () => number) {
    this.#data = data;
    this.#now = now;
  }

  /** Throws UNAVAILABLE while sessions may be missing, since Redis has lost its data a moment ago. */
  async facts(ask: PushAsk): Promise<PushFacts> {
    const facts = (await this.#facts.submit(ask)).get(ask);
    if (facts === undefined) throw new Error("the script returned nothing for a user");
    return facts;
  }

  async #ask(asks: readonly PushAsk[]): Promise<ReadonlyMap<PushAsk, PushFacts>> {
    const args = [KEEP_SECONDS, ...asks.map(lineOf)];
    const [age = "", ...lines] = ((await this.#data.script(PUSH_SCRIPTS.facts, args)) as string).split("\n");
    if (Number(age) < SETTLED_MS)
      throw new ChatError("UNAVAILABLE", "sessions may be missing in Redis, whose data is new", {
        retryAfterMs: SETTLED_MS - Number(age),
      });
    return new Map(asks.map((ask, index) => [ask, factsOf(ask.conversation, lines.slice(3 * index))]));
  }

  /** Notes that a device was pushed a conversation up to `seq`, for 24 hours. */
  async note(note: string, seq: number): Promise<void> {
    await this.#notes.submit(`${note} ${seq}`);
  }

  /** Forgets the note if it still has this `seq`. */
  async forget(note: string, seq: number): Promise<void> {
    await this.#data.script(PUSH_SCRIPTS.forget, [`${note} ${seq}`]);
  }

  /**
   * Unread messages of the user, over all conversations that are not muted; `undefined` if the list is not
   * known. The sum is over at most 200 conversations. They are found by a walk over the list once an hour, in
   * parts, and are kept in step by `facts` meanwhile.
   */
  async unread(user: string): Promise<number | undefined> {
    for (let walks = 0; walks <= WALKS_MAX; walks += 1) {
      const found = (await this.#unread.submit(user)).get(user) ?? "";
      if (found !== "walk") return found === "" ? undefined : Number(found);
      await this.#walk(user);
    }
    return undefined;
  }

  async #countUnread(users: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const texts = (await this.#data.script(PUSH_SCRIPTS.unread, [this.#now(), ...users])) as string[];
    return new Map(users.map((user, index) => [user, texts[index] ?? ""]));
  }

  async #walk(user: string): Promise<void> {
    let cursor = "0";
    for (let part = 0; part < PARTS_MAX; part += 1) {
      cursor = String(await this.#data.script(PUSH_SCRIPTS.walk, [user, cursor]));
      if (cursor === "0") return;
    }
    throw new ChatError("UNAVAILABLE", `a list has more than ${PARTS_MAX} parts`);
  }
}

/** One argument for each: no id has a space. */
const lineOf = ({ user, conversation, no, notes }: PushAsk): string =>
  [user, conversation, no, ...notes].join(" ");

function factsOf(
  conversation: string,
  [entry = "", sessions = "", shown = ""]: readonly string[],
): PushFacts {
  const words = sessions === "" ? [] : sessions.split(" ");
  return {
    entry: entry === "" ? undefined : readEntry(conversation, entry),
    sessions: Array.from({ length: words.length / 2 }, (_, index) => ({
      device: words[2 * index] ?? "",
      connector: words[2 * index + 1] ?? "",
    })),
    shown: shown === "" ? [] : shown.split(" ").map(Number),
  };
}

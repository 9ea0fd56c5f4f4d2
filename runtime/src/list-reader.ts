import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import type { Script } from "./presence-scripts.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { StoredList } from "./presence-texts.ts";
import { readEntry } from "./presence-texts.ts";
import { Rounds } from "./rounds.ts";

/** Redis does nothing else while a script runs. */
const LISTS_PER_SCRIPT_MAX = 64;
const HEADS_PER_SCRIPT_MAX = 1_000;
const IN_FLIGHT_MAX = 4;

export type RunScript = (script: Script, args: readonly string[]) => Promise<unknown>;

/**
 * Reads lists and heads for all who ask at once: a crowd that comes back costs a script for each few of them,
 * and not a handful of commands for each. Whatever is read was read after it was asked for.
 */
export class ListReader {
  readonly #run: RunScript;
  readonly #done = new Rounds(
    async () => this.#readDone(),
    () => 0,
    1,
  );
  readonly #lists = new Rounds(
    async (users: readonly string[]) => this.#readLists([...new Set(users)]),
    () => 1,
    LISTS_PER_SCRIPT_MAX,
    IN_FLIGHT_MAX,
  );
  readonly #heads = new Rounds(
    async (asked: readonly (readonly string[])[]) => this.#readHeads([...new Set(asked.flat())]),
    (conversations) => conversations.length,
    HEADS_PER_SCRIPT_MAX,
    IN_FLIGHT_MAX,
  );

  constructor(run: RunScript) {
    this.#run = run;
  }

  done(): Promise<ReadonlyMap<number, number>> {
    return this.#done.submit(undefined);
  }

  async list(user: string): Promise<StoredList> {
    return (await this.#lists.submit(user)).get(user) ?? { complete: false, entries: [] };
  }

  async heads(conversations: readonly string[]): Promise<(HeadEntry | undefined)[]> {
    const parts: Promise<(HeadEntry | undefined)[]>[] = [];
    for (let at = 0; at < conversations.length; at += HEADS_PER_SCRIPT_MAX)
      parts.push(this.#headsOf(conversations.slice(at, at + HEADS_PER_SCRIPT_MAX)));
    return (await Promise.all(parts)).flat();
  }

  async #headsOf(conversations: readonly string[]): Promise<(HeadEntry | undefined)[]> {
    const found = await this.#heads.submit(conversations);
    return conversations.map((id) => found.get(id));
  }

  async #readDone(): Promise<ReadonlyMap<number, number>> {
    const found = (await this.#run(SCRIPTS.done, [])) as string[];
    return new Map(pairsOf(found).map(([partition, position]) => [Number(partition), Number(position)]));
  }

  async #readLists(users: readonly string[]): Promise<ReadonlyMap<string, StoredList>> {
    const found = (await this.#run(SCRIPTS.lists, users)) as string[][];
    return new Map(users.map((user, index) => [user, listOf(found[index] ?? [])]));
  }

  async #readHeads(conversations: readonly string[]): Promise<ReadonlyMap<string, HeadEntry>> {
    const found = (await this.#run(SCRIPTS.heads, conversations)) as (string | null)[];
    const heads = new Map<string, HeadEntry>();
    for (const [index, id] of conversations.entries()) {
      const text = found[index];
      if (typeof text === "string") heads.set(id, JSON.parse(text) as HeadEntry);
    }
    return heads;
  }
}

/** A hash as Redis tells it: field, value, field, value. */
const pairsOf = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, pair) => [flat[2 * pair] ?? "", flat[2 * pair + 1] ?? ""]);

function listOf(flat: readonly string[]): StoredList {
  const entries = [];
  let complete = false;
  for (const [field, text] of pairsOf(flat)) {
    if (field === "*") complete = true;
    else if (field !== "!") entries.push(readEntry(field, text));
  }
  return { complete, entries };
}

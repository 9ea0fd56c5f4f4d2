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

export type RunScript = (script: Script, args: readonly (string | number)[]) => Promise<unknown>;

/** By conversation; undefined where Redis knows none, absent where it was not asked. */
type Heads = ReadonlyMap<string, HeadEntry | undefined>;

type BareList = Pick<StoredList, "complete" | "entries">;

interface Asked {
  readonly user: string;
  readonly partitions: number;
}

interface Lists {
  readonly done: ReadonlyMap<number, number>;
  readonly lists: ReadonlyMap<string, BareList>;
  readonly heads: Heads;
}

/**
 * Reads lists and heads for all who ask at once: a crowd that comes back costs a script for each few of them,
 * and not a handful of commands for each. Whatever is read was read after it was asked for.
 */
export class ListReader {
  readonly #run: RunScript;
  readonly #lists = new Rounds(
    async (asked: readonly Asked[]) => this.#readLists(asked),
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

  async list(user: string, partitions: number): Promise<StoredList> {
    const { done, lists, heads } = await this.#lists.submit({ user, partitions });
    const { complete, entries } = lists.get(user) ?? { complete: false, entries: [] };
    const conversations = entries.map(({ conversation }) => conversation);
    const isWhole = conversations.every((id) => heads.has(id)); // Else the list was too long for its script.
    const known = isWhole ? conversations.map((id) => heads.get(id)) : await this.heads(conversations);
    return { done, complete, entries, heads: known };
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

  async #readLists(asked: readonly Asked[]): Promise<Lists> {
    const users = [...new Set(asked.map(({ user }) => user))];
    const partitions = Math.min(...asked.map((one) => one.partitions));
    const args = [HEADS_PER_SCRIPT_MAX, partitions, ...users];
    const found = (await this.#run(SCRIPTS.lists, args)) as string[][];
    const done = pairsOf(found[0] ?? []).map(([partition, at]): [number, number] => [
      Number(partition),
      Number(at),
    ]);
    return {
      done: new Map(done),
      lists: new Map(users.map((user, index) => [user, listOf(found[index + 1] ?? [])])),
      heads: new Map(pairsOf(found[users.length + 1] ?? []).map(([id, text]) => [id, headOf(text)])),
    };
  }

  async #readHeads(conversations: readonly string[]): Promise<Heads> {
    const found = (await this.#run(SCRIPTS.heads, conversations)) as (string | null)[];
    return new Map(conversations.map((id, index) => [id, headOf(found[index] ?? "")]));
  }
}

const headOf = (text: string): HeadEntry | undefined =>
  text === "" ? undefined : (JSON.parse(text) as HeadEntry);

/** A hash as Redis tells it: field, value, field, value. */
const pairsOf = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, pair) => [flat[2 * pair] ?? "", flat[2 * pair + 1] ?? ""]);

function listOf(flat: readonly string[]): BareList {
  const entries = [];
  let complete = false;
  for (const [field, text] of pairsOf(flat)) {
    if (field === "*") complete = true;
    else if (field !== "!") entries.push(readEntry(field, text));
  }
  return { complete, entries };
}

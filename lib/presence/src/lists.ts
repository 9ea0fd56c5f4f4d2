import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { parseWellFormed } from "@jichat/protocol/frame/well-formed.ts";
import type { StoredHead, StoredList } from "./presence-texts.ts";
import { readBrief, readEntry } from "./presence-texts.ts";

type BareList = Pick<StoredList, "complete" | "entries">;
const NOTHING: BareList = { complete: false, entries: [] };

/** Bounds of one script: Redis does nothing else while it runs. */
export const LISTS_PER_SCRIPT_MAX = 64;
export const HEADS_PER_SCRIPT_MAX = 1_000;
/** Scripts of one kind that one process has under way at once. */
export const SCRIPTS_IN_FLIGHT_MAX = 4;

/** A script's reply about lists: the done positions, one list for each user, and heads of conversations. */
export type ListsTexts = readonly string[];

/** Heads by conversation. `undefined` if Redis has none; absent if it was not asked. */
export type Heads = ReadonlyMap<string, StoredHead | undefined>;

/** A list as a script returned it. It has no `heads` if they did not fit into the script. */
export type ToldList = Omit<StoredList, "heads" | "run"> & {
  readonly heads: StoredList["heads"] | undefined;
};

/** Lists that one script read for several users, and the heads that they share. */
export class Lists {
  readonly #done: ReadonlyMap<number, number>;
  readonly #lists: ReadonlyMap<string, BareList>;
  readonly #heads: Heads;

  /** `texts` is the reply of a script that was asked for `users`, in their order. */
  constructor(users: readonly string[], texts: ListsTexts) {
    this.#done = new Map(pairsOf(texts[0]).map(([partition, at]) => [Number(partition), Number(at)]));
    this.#lists = new Map(users.map((user, index) => [user, listOf(texts[index + 1])]));
    this.#heads = new Map(pairsOf(texts[users.length + 1]).map(([id, text]) => [id, storedHeadOf(id, text)]));
  }

  of(user: string): ToldList {
    const list = this.#lists.get(user) ?? NOTHING;
    const isWhole = list.entries.every(({ conversation }) => this.#heads.has(conversation));
    const heads = list.entries.map(({ conversation }) => this.#heads.get(conversation));
    return { done: this.#done, ...list, heads: isWhole ? heads : undefined };
  }
}

/** Parses a head into well-formed Unicode, whatever an earlier version accepted (see `wellFormedValue`). */
export const headOf = (text: string): HeadEntry | undefined =>
  text === "" ? undefined : (parseWellFormed(text) as HeadEntry);

export const storedHeadOf = (conversation: string, text: string): StoredHead | undefined =>
  text === "" || text.startsWith("{") ? headOf(text) : readBrief(conversation, text);

/** Parses the lines of a hash: field and value in turn. */
function pairsOf(text = ""): [string, string][] {
  const lines = text === "" ? [] : text.split("\n");
  return Array.from({ length: lines.length / 2 }, (_, pair) => [
    lines[2 * pair] ?? "",
    lines[2 * pair + 1] ?? "",
  ]);
}

function listOf(text: string | undefined): BareList {
  const entries = [];
  let complete = false;
  for (const [field, value] of pairsOf(text)) {
    if (field === "*") complete = true;
    else if (field !== "!") entries.push(readEntry(field, value));
  }
  return { complete, entries };
}

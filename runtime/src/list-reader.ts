import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import type { Heads, ListsTexts, ToldList } from "./lists.ts";
import { HEADS_PER_SCRIPT_MAX, LISTS_PER_SCRIPT_MAX, Lists, SCRIPTS_IN_FLIGHT_MAX, headOf } from "./lists.ts";
import type { RunScript } from "./presence-scripts.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { StoredList } from "./presence-texts.ts";
import { Rounds } from "./rounds.ts";

interface Asked {
  readonly user: string;
  readonly partitions: number;
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
    SCRIPTS_IN_FLIGHT_MAX,
  );
  readonly #heads = new Rounds(
    async (asked: readonly (readonly string[])[]) => this.#readHeads([...new Set(asked.flat())]),
    (conversations) => conversations.length,
    HEADS_PER_SCRIPT_MAX,
    SCRIPTS_IN_FLIGHT_MAX,
  );

  constructor(run: RunScript) {
    this.#run = run;
  }

  async list(user: string, partitions: number): Promise<StoredList> {
    const lists = await this.#lists.submit({ user, partitions });
    return this.whole(lists.of(user));
  }

  /** With the heads that its script had no room for: they may be newer than the list, never older. */
  async whole(list: ToldList): Promise<StoredList> {
    const heads = list.heads ?? (await this.heads(list.entries.map(({ conversation }) => conversation)));
    return { ...list, heads };
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
    return new Lists(users, (await this.#run(SCRIPTS.lists, args)) as ListsTexts);
  }

  async #readHeads(conversations: readonly string[]): Promise<Heads> {
    const found = (await this.#run(SCRIPTS.heads, conversations)) as (string | null)[];
    return new Map(conversations.map((id, index) => [id, headOf(found[index] ?? "")]));
  }
}

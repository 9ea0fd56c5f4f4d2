import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import type { Heads, ListsTexts, ToldList } from "./lists.ts";
import {
  HEADS_PER_SCRIPT_MAX,
  LISTS_PER_SCRIPT_MAX,
  Lists,
  SCRIPTS_IN_FLIGHT_MAX,
  headOf,
  storedHeadOf,
} from "./lists.ts";
import type { RunScript } from "./named-script.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { StoredHead, StoredList } from "./presence-texts.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";

interface Asked {
  readonly user: string;
  readonly partitions: number;
}

/** A list, without the name of the data that it was read from. */
export type ReadEntries = Omit<StoredList, "run">;

interface AskedHead {
  readonly user: string;
  readonly conversation: string;
}

/**
 * Reads lists and heads for all callers together: a crowd that returns costs one script for several users,
 * instead of several commands for each. Everything is read after it was asked for.
 */
export class ListReader {
  readonly #run: RunScript;
  readonly #lists = new Rounds(
    async (asked: readonly Asked[]) => this.#readLists(asked),
    () => 1,
    LISTS_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX },
  );
  readonly #heads = new Rounds(
    async (asked: readonly AskedHead[]) => this.#readHeads(asked),
    () => 1,
    HEADS_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX },
  );
  readonly #briefs = new Rounds(
    async (asked: readonly (readonly string[])[]) => this.#readBriefs([...new Set(asked.flat())]),
    (conversations) => conversations.length,
    HEADS_PER_SCRIPT_MAX,
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX },
  );

  constructor(run: RunScript) {
    this.#run = run;
  }

  async list(user: string, partitions: number): Promise<ReadEntries> {
    const lists = await this.#lists.submit({ user, partitions });
    return this.whole(lists.of(user));
  }

  /** Adds the heads that did not fit into the list's script. They may be newer than the list, never older. */
  async whole(list: ToldList): Promise<ReadEntries> {
    const heads = list.heads ?? (await this.briefs(list.entries.map(({ conversation }) => conversation)));
    return { ...list, heads };
  }

  /**
   * One for each of `conversations`; `undefined` if Redis has no whole head, or if `user` is given and is no
   * member.
   */
  async heads(conversations: readonly string[], user = ""): Promise<(HeadEntry | undefined)[]> {
    return Promise.all(
      conversations.map(async (conversation) => {
        const asked = { user, conversation };
        return (await this.#heads.submit(asked)).get(asked);
      }),
    );
  }

  /** One for each of `conversations`; `undefined` if Redis has none. */
  async briefs(conversations: readonly string[]): Promise<(StoredHead | undefined)[]> {
    const parts: Promise<(StoredHead | undefined)[]>[] = [];
    for (let at = 0; at < conversations.length; at += HEADS_PER_SCRIPT_MAX)
      parts.push(this.#briefsOf(conversations.slice(at, at + HEADS_PER_SCRIPT_MAX)));
    return (await Promise.all(parts)).flat();
  }

  async #briefsOf(conversations: readonly string[]): Promise<(StoredHead | undefined)[]> {
    const found = await this.#briefs.submit(conversations);
    return conversations.map((id) => found.get(id));
  }

  async #readLists(asked: readonly Asked[]): Promise<Lists> {
    const users = [...new Set(asked.map(({ user }) => user))];
    const partitions = Math.min(...asked.map((one) => one.partitions));
    const args = [HEADS_PER_SCRIPT_MAX, partitions, ...users];
    return new Lists(users, (await this.#run(SCRIPTS.lists, args)) as ListsTexts);
  }

  async #readHeads(asked: readonly AskedHead[]): Promise<ReadonlyMap<AskedHead, HeadEntry | undefined>> {
    const args = asked.flatMap(({ user, conversation }) => [user, conversation]);
    const found = (await this.#run(SCRIPTS.heads, args)) as string[];
    return new Map(asked.map((one, index) => [one, headOf(found[index] ?? "")]));
  }

  async #readBriefs(conversations: readonly string[]): Promise<Heads> {
    const found = ((await this.#run(SCRIPTS.briefs, conversations)) as string).split("\n");
    return new Map(conversations.map((id, index) => [id, storedHeadOf(id, found[index] ?? "")]));
  }
}

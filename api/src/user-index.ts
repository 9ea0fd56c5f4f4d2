import type { Accounts } from "@jichat/identity/accounts.ts";
import type { IndexData, IndexStore } from "./rebuilt-index.ts";
import { RebuiltIndex } from "./rebuilt-index.ts";

/**
 * An index entry: the lower-case id for sorting, then the id itself. A space sorts before every character of
 * an id.
 */
const entryOf = (user: string): string => `${user.toLowerCase()} ${user}`;

async function* entriesOfAll(accounts: Pick<Accounts, "users">): AsyncGenerator<string> {
  for await (const user of accounts.users()) yield entryOf(user);
}

/** Finds users by a prefix of their id, in any case. */
export class UserIndex {
  readonly #index: RebuiltIndex;

  constructor(redis: IndexStore, data: IndexData, accounts: Pick<Accounts, "users">) {
    this.#index = new RebuiltIndex({ redis, data, what: "users", entries: () => entriesOfAll(accounts) });
  }

  /**
   * At most `limit` users whose id begins with `start`, after the user `after`. Throws UNAVAILABLE if Redis
   * does not answer.
   */
  async find(start: string, after: string | undefined, limit: number): Promise<string[]> {
    const from = after === undefined ? `[${start.toLowerCase()}` : `(${entryOf(after)}`;
    const found = await this.#index.range(from, `[${start.toLowerCase()}\u{7f}`, limit);
    return found.map((entry) => entry.slice(entry.indexOf(" ") + 1));
  }

  /** Adds a new user. Best effort: the KV is the truth, and a lost index is rebuilt from it. */
  async add(user: string): Promise<void> {
    await this.#index.add([entryOf(user)]);
  }

  /** Removes a deleted user. Best effort: what is found is looked up in the KV before it is told. */
  async remove(user: string): Promise<void> {
    await this.#index.remove([entryOf(user)]);
  }
}

import type { Accounts } from "@jichat/identity/accounts.ts";
import { entriesOf, rangeOf, userOfEntry } from "./name-entries.ts";
import type { IndexData, IndexStore } from "./rebuilt-index.ts";
import { RebuiltIndex } from "./rebuilt-index.ts";

/** Entries that a search reads for each user that it returns: a user may have several that match. */
const ENTRIES_PER_USER = 4;

async function* entriesOfAll(accounts: Pick<Accounts, "names">): AsyncGenerator<string> {
  for await (const { user, name } of accounts.names()) yield* entriesOf(user, name);
}

/** Finds users by their display names. */
export class NameIndex {
  readonly #index: RebuiltIndex;

  constructor(redis: IndexStore, data: IndexData, accounts: Pick<Accounts, "names">) {
    this.#index = new RebuiltIndex({ redis, data, what: "names", entries: () => entriesOfAll(accounts) });
  }

  /**
   * At most `limit` users who have a word in their name that begins with `text`. Throws UNAVAILABLE if Redis
   * does not answer. Who has just been renamed may be among them.
   */
  async find(text: string, limit: number): Promise<string[]> {
    const [first, last] = rangeOf(text);
    if (first === "") return [];
    const found = await this.#index.range(`[${first}`, `[${last}`, limit * ENTRIES_PER_USER);
    return [...new Set(found.map(userOfEntry))].slice(0, limit);
  }

  /** A user has a new name. Best effort: the KV is the truth, and a lost index is rebuilt from it. */
  async rename(user: string, before: string | undefined, name: string): Promise<void> {
    const entries = entriesOf(user, name);
    await this.#index.remove(entriesOf(user, before ?? "").filter((entry) => !entries.includes(entry)));
    await this.#index.add(entries);
  }

  /** A user's account is deleted. */
  async remove(user: string, name: string): Promise<void> {
    await this.#index.remove(entriesOf(user, name));
  }
}

import type { Profile } from "./rest.ts";

/** How many people are asked for at once; the api takes as many. */
const AT_ONCE_MAX = 100;
const KNOWN_MAX = 10_000;
/** After this time a name is asked for again when it is shown: people rename themselves. */
const FRESH_MS = 10 * 60_000;
/** The delay between being asked for a name and asking the api, so that a whole list is one question. */
const GATHER_MS = 20;

export interface NamesParts {
  readonly fetch: (users: readonly string[]) => Promise<readonly Profile[]>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/**
 * The display names of people. A name is asked for when it is first shown; until it is known, the user's id
 * stands in its place.
 */
export class Names {
  readonly #parts: NamesParts;
  /** By user, the least recently fetched first. */
  readonly #known = new Map<string, { readonly name: string; readonly at: number }>();
  readonly #wanted = new Set<string>();
  readonly #watchers = new Set<() => void>();
  #gathering: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: NamesParts) {
    this.#parts = parts;
  }

  readonly of = (user: string): string => {
    const known = this.#known.get(user);
    if (user !== "" && (known === undefined || this.#parts.now() - known.at > FRESH_MS)) this.#want(user);
    return known?.name ?? user;
  };

  /** Takes what an answer of the api said anyway. */
  learn(profiles: readonly Profile[]): void {
    const isNews = profiles.map(({ user, name }) => this.#keep(user, name ?? user)).includes(true);
    if (isNews) for (const act of this.#watchers) act();
  }

  watch(act: () => void): () => void {
    this.#watchers.add(act);
    return () => {
      this.#watchers.delete(act);
    };
  }

  /** Asks for nothing any more. */
  close(): void {
    clearTimeout(this.#gathering);
    this.#watchers.clear();
  }

  #keep(user: string, name: string): boolean {
    const isNews = (this.#known.get(user)?.name ?? user) !== name;
    this.#known.delete(user);
    this.#known.set(user, { name, at: this.#parts.now() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
    return isNews;
  }

  #want(user: string): void {
    this.#wanted.add(user);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const users = [...this.#wanted];
      this.#wanted.clear();
      for (let i = 0; i < users.length; i += AT_ONCE_MAX) void this.#ask(users.slice(i, i + AT_ONCE_MAX));
    }, GATHER_MS);
  }

  async #ask(users: readonly string[]): Promise<void> {
    // Those who are not in the answer have no name. They are not asked for again at each drawing.
    const nameless = new Map<string, Profile>(users.map((user) => [user, { user }]));
    try {
      for (const profile of await this.#parts.fetch(users)) nameless.set(profile.user, profile);
      this.learn([...nameless.values()]);
    } catch (error) {
      // Ids are shown in place of names. The names are asked for again after `FRESH_MS`.
      console.warn("the names of people are not known just now", error);
      for (const user of users) this.#keep(user, this.#known.get(user)?.name ?? user);
    }
  }
}

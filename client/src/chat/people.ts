import type { Clock } from "@jichat/protocol/clock.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { Alarm } from "../alarm.ts";
import { reasonOf } from "../closed.ts";
import { Cell } from "./live.ts";
import type { Pace } from "./live.ts";
import type { Patience } from "./patience.ts";
import { Remembered } from "./remembered.ts";
import type { Directory, Live, Profile } from "./types.ts";

/** Names that are remembered. Those that nobody looks at are forgotten first. */
const REMEMBERED_MAX = 2_000;
/** The REST interface tells so many names at once. */
const AT_ONCE_MAX = 100;
/** So long names are gathered before they are asked for, in milliseconds: a whole list is one question. */
const GATHER_MS = 20;
/** Tries of one question before ids are shown in place of names. */
const TRIES = 3;
/** People rename themselves: after this, a name that is shown anew is asked for again. */
const FRESH_MS = 600_000;

interface Person {
  readonly cell: Cell<Profile>;
  askedAt: number;
}

export interface PeopleParts {
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly pace: Pace;
  readonly patience: Patience;
  readonly directory: Pick<Directory, "profiles">;
  /** Told when names have come. */
  readonly onNames: (users: ReadonlySet<string>) => void;
}

/** The names of users, looked up together when somebody looks at them. */
export class People {
  readonly #parts: PeopleParts;
  readonly #people = new Remembered<Person>(
    REMEMBERED_MAX,
    ({ cell }) => cell.isUsed || this.#waiting.has(cell.get().user),
  );
  readonly #waiting = new Set<string>();
  readonly #gathering: Alarm;
  #isBusy = false;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#gathering = new Alarm(parts.clock);
  }

  /** The name is looked up at the first subscription. */
  profile(user: string): Live<Profile> {
    return this.#person(user).cell;
  }

  /** What is known by now. */
  get(user: string): Profile {
    return this.#people.peek(user)?.cell.get() ?? { user };
  }

  /** Looks the user up, unless that was done lately or is under way. */
  want(user: string): void {
    const person = this.#person(user);
    const now = this.#parts.clock.monotonic();
    if (now - person.askedAt < FRESH_MS || this.#parts.patience.isOver) return;
    person.askedAt = now;
    this.#waiting.add(user);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#gathering.set(GATHER_MS, () => void this.#work());
  }

  /** Leaves no timer. */
  stop(): void {
    this.#gathering.clear();
  }

  #person(user: string): Person {
    return this.#people.of(user, () => ({
      cell: new Cell<Profile>(this.#parts.pace, { user }, (isUsed) => {
        if (isUsed) this.want(user);
      }),
      askedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      const users = [...this.#waiting].slice(0, AT_ONCE_MAX);
      for (const user of users) this.#waiting.delete(user);
      const found = await this.#lookUp(users);
      for (const { user, name } of found) this.#named(user, name);
      if (found.length > 0) this.#parts.onNames(new Set(found.map(({ user }) => user)));
    }
    this.#isBusy = false;
  }

  #named(user: string, name: string | undefined): void {
    const cell = this.#people.peek(user)?.cell;
    if (name !== cell?.get().name) cell?.set(name === undefined ? { user } : { user, name });
  }

  /** Those who do not exist are not in the answer. It is empty if it cannot be told: ids are shown then. */
  async #lookUp(users: readonly string[]): Promise<readonly Profile[]> {
    const { patience, directory } = this.#parts;
    for (let tries = 0; tries < TRIES && !patience.isOver; tries += 1) {
      try {
        return await directory.profiles(users);
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (!isRetryable(error.code)) return [];
        await patience.wait(error, tries);
      }
    }
    return [];
  }
}

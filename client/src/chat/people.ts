import { isRetryable } from "@jichat/protocol/errors.ts";
import { reasonOf } from "../closed.ts";
import { Cell } from "./live.ts";
import type { Pace } from "./live.ts";
import type { Patience } from "./patience.ts";
import { Remembered } from "./remembered.ts";
import type { Directory, Live, Profile } from "./types.ts";

/** Names that are remembered. Those that nobody looks at are forgotten first. */
const REMEMBERED_MAX = 2_000;
/** Look-ups that are out at once. The others wait, and those who are wanted twice are asked for once. */
const AT_ONCE = 4;
/** Look-ups of one user that fail before the id is shown for good. */
const TRIES = 3;

interface Person {
  readonly cell: Cell<Profile>;
  isAsked: boolean;
}

export interface PeopleParts {
  readonly pace: Pace;
  readonly patience: Patience;
  readonly directory: Directory | undefined;
  /** Told when a name has come. */
  readonly onName: (user: string) => void;
}

/** The names of users, looked up when somebody looks at them. */
export class People {
  readonly #parts: PeopleParts;
  readonly #people = new Remembered<Person>(
    REMEMBERED_MAX,
    ({ cell }) => cell.isUsed || this.#waiting.has(cell.get().user),
  );
  readonly #waiting = new Set<string>();
  #running = 0;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  /** The name is looked up at the first subscription. */
  profile(user: string): Live<Profile> {
    return this.#person(user).cell;
  }

  /** What is known by now. */
  get(user: string): Profile {
    return this.#people.peek(user)?.cell.get() ?? { user };
  }

  /** Looks the user up, unless that was done or is under way. */
  want(user: string): void {
    const person = this.#person(user);
    if (person.isAsked || this.#parts.directory === undefined) return;
    person.isAsked = true;
    this.#waiting.add(user);
    if (this.#running < AT_ONCE) void this.#work(this.#parts.directory);
  }

  #person(user: string): Person {
    return this.#people.of(user, () => ({
      cell: new Cell<Profile>(this.#parts.pace, { user }, (isUsed) => {
        if (isUsed) this.want(user);
      }),
      isAsked: false,
    }));
  }

  async #work(directory: Directory): Promise<void> {
    this.#running += 1;
    for (const user of this.#waiting) {
      this.#waiting.delete(user);
      const profile = await this.#lookUp(directory, user);
      if (profile?.name === undefined) continue;
      this.#people.peek(user)?.cell.set({ user, name: profile.name });
      this.#parts.onName(user);
    }
    this.#running -= 1;
  }

  /** Undefined if there is no such user, or if it cannot be told: the id is shown then. */
  async #lookUp(directory: Directory, user: string): Promise<Profile | undefined> {
    const { patience } = this.#parts;
    for (let tries = 0; tries < TRIES && !patience.isOver; tries += 1) {
      try {
        return await directory.profile(user);
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (!isRetryable(error.code)) return undefined;
        await patience.wait(error, tries);
      }
    }
    const person = this.#people.peek(user);
    if (person !== undefined) person.isAsked = false;
    return undefined;
  }
}

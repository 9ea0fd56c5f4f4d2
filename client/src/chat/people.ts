import type { Clock } from "@jichat/protocol/clock.ts";
import { Alarm } from "../alarm.ts";
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

  /** Looks the user up, unless that was done lately or is under way. A `lost` event is from nobody. */
  want(user: string): void {
    if (user === "") return;
    const person = this.#person(user);
    const now = this.#parts.clock.monotonic();
    if (now - person.askedAt < FRESH_MS || this.#parts.patience.isOver) return;
    person.askedAt = now;
    this.#waiting.add(user);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#gathering.set(GATHER_MS, () => void this.#work());
  }

  /** Takes what the application knows from elsewhere. */
  learn(profile: Profile): void {
    this.#person(profile.user).askedAt = this.#parts.clock.monotonic();
    this.#found([profile]);
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
    const { patience, directory } = this.#parts;
    while (this.#waiting.size > 0) {
      const users = [...this.#waiting].slice(0, AT_ONCE_MAX);
      for (const user of users) this.#waiting.delete(user);
      // Those who do not exist are not in the answer. If there is none, ids are shown in place of names.
      this.#found((await patience.answer(async () => directory.profiles(users), TRIES)) ?? []);
    }
    this.#isBusy = false;
  }

  #found(profiles: readonly Profile[]): void {
    for (const profile of profiles) {
      const cell = this.#people.peek(profile.user)?.cell;
      const known = cell?.get();
      if (profile.name !== known?.name || profile.deleted !== known?.deleted) cell?.set(profile);
    }
    if (profiles.length > 0) this.#parts.onNames(new Set(profiles.map(({ user }) => user)));
  }
}

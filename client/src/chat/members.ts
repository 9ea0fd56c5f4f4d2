import { isRetryable } from "@jichat/protocol/errors.ts";
import { reasonOf } from "../closed.ts";
import { Cell } from "./live.ts";
import type { Pace } from "./live.ts";
import type { Patience } from "./patience.ts";
import type { People } from "./people.ts";
import type { Directory, MembersPage, MembersView } from "./types.ts";

/** Members of a group that are loaded. A screen that shows more asks the REST interface itself. */
const MEMBERS_MAX = 20_000;
/** Members whose names are looked up at once. `profile(user)` looks up each of the others. */
const NAMED_MAX = 100;

const NOTHING: MembersView = { members: [], creator: undefined, isLoading: false, error: undefined };

export interface MembersParts {
  readonly pace: Pace;
  readonly patience: Patience;
  readonly directory: Directory;
  readonly people: People;
}

/** The members of one conversation, while somebody looks at them. */
export class Members {
  readonly #parts: MembersParts;
  readonly #conversation: string;
  readonly cell: Cell<MembersView>;
  #users: readonly string[] = [];
  /** They have changed since they were asked for. */
  #isStale = true;
  #isLoading = false;

  constructor(conversation: string, parts: MembersParts) {
    this.#conversation = conversation;
    this.#parts = parts;
    this.cell = new Cell(parts.pace, NOTHING, (isUsed) => {
      if (isUsed && this.#isStale) void this.#load();
    });
  }

  /** Somebody came or left. */
  changed(): void {
    this.#isStale = true;
    if (this.cell.isUsed) void this.#load();
  }

  /** Names have come. */
  named(users: ReadonlySet<string>): void {
    if (this.#users.some((user) => users.has(user))) this.#show({});
  }

  #show(more: Partial<MembersView>): void {
    const members = this.#users.map((user) => this.#parts.people.get(user));
    this.cell.set({ ...this.cell.get(), ...more, members });
  }

  async #load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#show({ isLoading: true, error: undefined });
    for (let tries = 0; this.#isStale && !this.#parts.patience.isOver; tries += 1) {
      this.#isStale = false;
      try {
        const { users, creator } = await this.#all();
        this.#users = users;
        for (const user of this.#users.slice(0, NAMED_MAX)) this.#parts.people.want(user);
        this.#show({ creator });
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (isRetryable(error.code)) {
          this.#isStale = true;
          await this.#parts.patience.wait(error, tries);
        } else this.#show({ error });
      }
    }
    this.#isLoading = false;
    this.#show({ isLoading: false });
  }

  async #all(): Promise<Pick<MembersPage, "users" | "creator">> {
    const users: string[] = [];
    let [after, creator]: (string | undefined)[] = [];
    do {
      const page = await this.#parts.directory.members(this.#conversation, after);
      users.push(...page.users);
      ({ next: after, creator } = page);
    } while (after !== undefined && users.length < MEMBERS_MAX);
    return { users, creator };
  }
}

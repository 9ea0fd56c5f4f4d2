import type { Clock } from "@jichat/protocol/clock.ts";
import { readAccount } from "@jichat/protocol/bus/account.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Accounts } from "./accounts.ts";
import { userOf } from "./accounts.ts";
import type { People } from "./people.ts";

const AT_ONCE = 64;
const PROGRESS_MS = 10_000;
const RETRY_MS = 1_000;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly log: { warn(of: object, line: string): void };
  readonly signal: AbortSignal;
  /**
   * If true, the bucket is marked complete only after the first sign-up. Where nobody has signed up, tokens
   * may come from another issuer that has our key, and it knows people that we do not.
   */
  readonly waitsForSignUp: boolean;
}

/** An account as the keeper finds it in the bucket of accounts. */
interface Found {
  readonly user: string;
  readonly isDeleted: boolean;
}

/**
 * Adds to `people` the accounts that are missing there: those older than the bucket, those made by an api of
 * an older version, and those whose api ended between the two writes. Marks those that were deleted.
 * Continues where the last keeper stopped.
 */
export class PeopleKeeper {
  readonly #accounts: Accounts;
  readonly #people: People;
  readonly #options: KeeperOptions;
  #mayComplete: boolean;
  #isComplete = false;
  #toldAt = 0;
  #told = 0;

  constructor(accounts: Accounts, people: People, options: KeeperOptions) {
    this.#accounts = accounts;
    this.#people = people;
    this.#options = options;
    this.#mayComplete = !options.waitsForSignUp;
  }

  /** Runs until the signal aborts. Retries after any failure. */
  async run(): Promise<void> {
    const { signal, log, clock } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#follow();
      } catch (cause) {
        if (signal.aborted) return;
        log.warn({ err: cause }, "the register of people cannot be written: trying again");
      }
      await clock.sleep(RETRY_MS);
    }
  }

  async #follow(): Promise<void> {
    // No progress is stored before the first sign-up, because the keeper must still see whether anybody signs
    // up.
    this.#told = await this.#people.progress();
    if (this.#told > 0) this.#mayComplete = true;
    const { signal, log } = this.#options;
    const hearing = hearingOf(log, "the bucket of accounts");
    const { last, entries } = await this.#accounts.follow(this.#told, hearing, signal);
    if (last === 0) await this.#reached(this.#told);
    let batch: Found[] = [];
    for await (const entry of entries) {
      const user = userOf(entry);
      if (user !== undefined) {
        const { password, deletedAt } = readAccount(entry.string());
        batch.push({ user, isDeleted: deletedAt !== undefined });
        this.#mayComplete ||= password !== undefined;
      }
      const isLast = entry.pending === 0;
      if (batch.length < AT_ONCE && !isLast) continue;
      await Promise.all(batch.map((one) => this.#copy(one)));
      batch = [];
      if (isLast || entry.revision >= last) await this.#reached(entry.revision);
    }
  }

  async #copy({ user, isDeleted }: Found): Promise<void> {
    const isThere = await this.#people.has(user);
    if (isDeleted && isThere) await this.#people.remove(user);
    if (!isDeleted && !isThere) await this.#people.add(user);
  }

  /** Records that everybody up to this revision is in `people`. */
  async #reached(revision: number): Promise<void> {
    if (!this.#mayComplete) return;
    const now = this.#options.clock.monotonic();
    const isFirst = !this.#isComplete;
    if (revision > 0 && revision !== this.#told && (isFirst || now - this.#toldAt > PROGRESS_MS)) {
      await this.#people.setProgress(revision);
      this.#told = revision;
      this.#toldAt = now;
    }
    if (!isFirst) return;
    await this.#people.setComplete(true);
    this.#isComplete = true;
  }
}

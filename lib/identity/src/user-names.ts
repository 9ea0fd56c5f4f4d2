import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";

/** What `RESERVED_USERS` is where nobody says otherwise: who has such a name is taken for somebody. */
export const RESERVED_USERS = [
  "abuse,admin,administrator,all,anonymous,everyone,help,helpdesk,here,hostmaster,info,jichat,mod,moderator",
  "no-reply,noreply,null,official,operator,postmaster,root,security,staff,superuser,support,sysadmin,system",
  "undefined,webmaster",
].join(",");

/** A name that was claimed and has no account yet is another's to take after this long. */
const CLAIM_MS = 60_000;
const AT_ONCE = 64;

/** An id as all its spellings are held by: ids are ASCII. */
const folded = (user: string): string => user.toLowerCase();
/** Beside `u.<user>`, which accounts are found by: whose the name is, however it is written. */
const keyOf = (user: string): string => `n.${folded(user)}`;
const accountKeyOf = (user: string): string => `u.${user}`;

const taken = (cause?: unknown): ChatError =>
  new ChatError("CONFLICT", "this user name is taken", cause === undefined ? {} : { cause });

/**
 * The names of our own accounts: no two that differ only by case, none that is reserved. Accounts that were
 * there before, both spellings included, stay what they are, and hold the name.
 */
export class UserNames {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #reserved: ReadonlySet<string>;
  #filling: Promise<void> | undefined;

  private constructor(bucket: Bucket, reserved: readonly string[], clock: Clock) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#reserved = new Set([SYNTHETIC_PERSON, ...reserved].map(folded));
  }

  static async open(
    nats: NatsConnection,
    names: Names,
    reserved: readonly string[],
    clock: Clock,
  ): Promise<UserNames> {
    return new UserNames(await Bucket.open(nats, names.accounts), reserved, clock);
  }

  /**
   * Before an account is made: CONFLICT where the name, however it is written, is another's or nobody's to
   * have.
   */
  async claim(user: string): Promise<void> {
    if (this.#reserved.has(folded(user)))
      throw new ChatError("CONFLICT", "this user name is reserved: choose another");
    try {
      await this.#filled();
      await this.#take(user);
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      if (isConflict(cause)) throw taken(cause);
      throw new ChatError("UNAVAILABLE", "accounts are not reachable", { cause, retryAfterMs: 1_000 });
    }
  }

  async #take(user: string): Promise<void> {
    const held = await this.#bucket.kv.get(keyOf(user));
    if (held === null || held.operation !== "PUT") {
      await this.#bucket.kv.create(keyOf(user), user);
      return;
    }
    const owner = held.string();
    // Whether that very account exists is for the account's own key to say.
    if (owner === user) return;
    const account = await this.#bucket.kv.get(accountKeyOf(owner));
    if (account?.operation === "PUT" || this.#clock.now() - held.created.getTime() < CLAIM_MS) throw taken();
    await this.#bucket.kv.update(keyOf(user), user, held.revision);
  }

  /** Accounts of an earlier version have no such key: each process looks once, and again if that failed. */
  async #filled(): Promise<void> {
    this.#filling ??= this.#fill().catch((error: unknown) => {
      this.#filling = undefined;
      throw error;
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    const held = new Set<string>();
    for await (const key of this.#bucket.keys("n.*")) held.add(key);
    let missing: string[] = [];
    for await (const key of this.#bucket.keys("u.*")) {
      const user = key.slice(2);
      if (held.has(keyOf(user))) continue;
      held.add(keyOf(user));
      missing.push(user);
    }
    while (missing.length > 0) {
      await Promise.all(missing.slice(0, AT_ONCE).map(async (user) => this.#hold(user)));
      missing = missing.slice(AT_ONCE);
    }
  }

  async #hold(user: string): Promise<void> {
    try {
      await this.#bucket.kv.create(keyOf(user), user);
    } catch (error) {
      // Another process was quicker: the name is held, which is all that matters here.
      if (!isConflict(error)) throw error;
    }
  }
}

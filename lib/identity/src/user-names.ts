import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";

/** The default of `RESERVED_USERS`: names whose holder could pass for an authority. */
export const RESERVED_USERS = [
  "abuse,admin,administrator,all,anonymous,everyone,help,helpdesk,here,hostmaster,info,jichat,mod,moderator",
  "no-reply,noreply,null,official,operator,postmaster,root,security,staff,superuser,support,sysadmin,system",
  "undefined,webmaster",
].join(",");

/** A claimed name that has no account after this time may be taken by another user. */
const CLAIM_MS = 60_000;
const AT_ONCE = 64;

/** The form that all spellings of an id share. Ids are ASCII. */
const folded = (user: string): string => user.toLowerCase();
/** Key of a name's owner, for all spellings. Accounts themselves are under `u.<user>`. */
const keyOf = (user: string): string => `n.${folded(user)}`;
const accountKeyOf = (user: string): string => `u.${user}`;

const taken = (cause?: unknown): ChatError =>
  new ChatError("CONFLICT", "this user name is taken", cause === undefined ? {} : { cause });

/**
 * The names of our own accounts. No two new names differ only by case, and none is reserved. Accounts from
 * before this rule stay as they are, also two spellings of one name, and hold the name.
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

  /** Call before an account is created. Throws CONFLICT if the name is reserved or taken in any spelling. */
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
    // The claim is the caller's own. Creating the account itself tells whether it exists already.
    if (owner === user) return;
    const account = await this.#bucket.kv.get(accountKeyOf(owner));
    if (account?.operation === "PUT" || this.#clock.now() - held.created.getTime() < CLAIM_MS) throw taken();
    await this.#bucket.kv.update(keyOf(user), user, held.revision);
  }

  /**
   * Accounts of an earlier version lack the key. Each process adds missing keys once, and again after a
   * failure.
   */
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
      // Another process was faster. The name is held, and nothing else matters here.
      if (!isConflict(error)) throw error;
    }
  }
}

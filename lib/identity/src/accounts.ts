import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Account } from "@jichat/protocol/bus/account.ts";
import { accountText, readAccount } from "@jichat/protocol/bus/account.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import type { BucketEntry } from "@jichat/runtime/bucket.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";

const hashOf = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** OWASP's parameters for scrypt (2^15, 8, 3): about 100 ms and 32 MB for each hash. */
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };

/**
 * Hashes a password with a random salt. The result has the form `scrypt$N$r$p$salt$hash`, so later hashes may
 * use other parameters. Unicode is normalized (NFKC) first.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await hashOf(password.normalize("NFKC"), salt, 32, COST);
  return ["scrypt", COST.N, COST.r, COST.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** Compares in constant time, with the parameters in `stored`. Throws if `stored` has another scheme. */
export async function matchesPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, N, r, p, salt = "", hash = ""] = stored.split("$");
  if (scheme !== "scrypt") throw new Error(`unknown password scheme ${scheme ?? ""}`);
  const wanted = Buffer.from(hash, "base64url");
  const given = await hashOf(password.normalize("NFKC"), Buffer.from(salt, "base64url"), wanted.length, {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    maxmem: COST.maxmem,
  });
  return timingSafeEqual(given, wanted);
}

/** User accounts in KV. Every change is a compare-and-set, and every read comes from the leader. */
export class Accounts {
  readonly #bucket: Bucket;

  private constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  static async open(nats: NatsConnection, names: Names): Promise<Accounts> {
    return new Accounts(await Bucket.open(nats, names.accounts));
  }

  /** Undefined if there is no such account. `revision` is the one for a compare-and-set. */
  async get(user: string): Promise<{ account: Account; revision: number } | undefined> {
    const entry = await reach(this.#bucket.kv.get(keyOf(user)));
    return entry === null || entry.operation !== "PUT"
      ? undefined
      : { account: readAccount(entry.string()), revision: entry.revision };
  }

  /** Throws CONFLICT if the name is taken. */
  async create(user: string, account: Account): Promise<void> {
    try {
      await this.#bucket.kv.create(keyOf(user), accountText(account));
    } catch (cause) {
      if (isConflict(cause)) throw new ChatError("CONFLICT", "this user name is taken", { cause });
      throw unavailable(cause);
    }
  }

  /**
   * Changes an account by compare-and-set. Tries again if another writer was faster, so `change` may run more
   * than once. Throws NOT_FOUND if there is no account, or if it was deleted: a deleted account never
   * changes.
   */
  async update(user: string, change: (account: Account) => Account): Promise<Account> {
    for (;;) {
      const found = await this.get(user);
      if (found === undefined) throw new ChatError("NOT_FOUND", "no such user");
      if (found.account.deletedAt !== undefined) throw new ChatError("NOT_FOUND", "this account was deleted");
      const changed = change(found.account);
      try {
        await this.#bucket.kv.update(keyOf(user), accountText(changed), found.revision);
        return changed;
      } catch (cause) {
        if (!isConflict(cause)) throw unavailable(cause);
      }
    }
  }

  /**
   * The bucket's entries after `revision`, then all later ones. `last` is the bucket's last revision now, or
   * 0 if there is nothing to read. A bucket that was restored to an earlier state is read from its beginning.
   */
  async follow(
    revision: number,
    hearing: Hearing,
    signal: AbortSignal,
  ): Promise<{ last: number; entries: AsyncIterable<BucketEntry> }> {
    const { state } = (await this.#bucket.kv.status()).streamInfo;
    const from = revision > state.last_seq ? 0 : revision;
    const last = state.messages === 0 ? 0 : state.last_seq;
    return { last: last <= from ? 0 : last, entries: this.#bucket.follow(from, hearing, signal) };
  }

  /** All users, in the order of the bucket. The search index reads them. */
  async *users(): AsyncGenerator<string> {
    for await (const key of this.#bucket.keys("u.*")) yield key.slice(2);
  }

  /** All users who have a display name, in the order of the bucket. */
  async *names(): AsyncGenerator<{ readonly user: string; readonly name: string }> {
    for await (const entry of this.#bucket.entries("u.*")) {
      const { name } = readAccount(entry.string());
      if (name !== undefined) yield { user: entry.key.slice(2), name };
    }
  }
}

/** The user of an entry that creates or changes an account. Undefined for every other entry of the bucket. */
export const userOf = ({ key, operation }: Pick<BucketEntry, "key" | "operation">): string | undefined =>
  operation === "PUT" && key.startsWith("u.") ? key.slice(2) : undefined;

const keyOf = (user: string): string => `u.${user}`;
const unavailable = (cause: unknown): ChatError =>
  new ChatError("UNAVAILABLE", "accounts are not reachable", { cause, retryAfterMs: 1_000 });

async function reach<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw unavailable(cause);
  }
}

const SEEN_MAX = 100_000;

/** Creates accounts for users of another system when they are first seen: they do not sign up here. */
export class AccountProvisioner {
  readonly #accounts: Accounts;
  readonly #clock: Clock;
  readonly #seen = new Set<string>();

  constructor(accounts: Accounts, clock: Clock) {
    this.#accounts = accounts;
    this.#clock = clock;
  }

  /** Makes sure that the user has an account. Returns true if this call created it. */
  async of(user: string): Promise<boolean> {
    if (this.#seen.has(user)) return false;
    const known = await this.#accounts.get(user);
    if (known === undefined) {
      await this.#accounts.create(user, { v: 1, createdAt: this.#clock.now() }).catch((error: unknown) => {
        // Another process created the account first.
        if (!(error instanceof ChatError) || error.code !== "CONFLICT") throw error;
      });
    }
    if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
    this.#seen.add(user);
    return known === undefined;
  }
}

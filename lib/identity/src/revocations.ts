import type { KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "@jichat/protocol/clock.ts";
import { readRevocation, revocationText } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";
import type { Logger } from "pino";

/**
 * How long the list may go without a sign of life. A silent list is stale, and admits users who were revoked
 * since.
 */
const UNHEARD_MAX_MS = 30_000;

export interface Revocable {
  readonly user: string;
  readonly tokenId: string;
  /** Names under which an older version may have revoked the token. */
  readonly olderIds?: readonly string[];
  readonly issuedAt: number;
  /**
   * The revision of the credential. Without one, `issuedAt` stands for it: revisions are times that strictly
   * increase.
   */
  readonly revision?: number;
}

/**
 * Revoked tokens, and for each user the least valid revision of the credential. The list is watched, so
 * changes are known within milliseconds.
 */
export class Revocations {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #hearing: Hearing;
  readonly #tokens = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #onRevoked = new Set<() => void>();
  #loaded = false;

  private constructor(bucket: Bucket, hearing: Hearing, clock: Clock) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#hearing = hearing;
  }

  /** Watches the list. Resolves once its present content is known. */
  static async watch(nats: NatsConnection, names: Names, log: Logger, clock: Clock): Promise<Revocations> {
    const bucket = await Bucket.open(nats, names.revocations);
    const hearing = hearingOf(log, "the list of revoked tokens");
    const revocations = new Revocations(bucket, hearing, clock);
    await bucket.watch(
      ">",
      (entry) => {
        revocations.#remember(entry.key, momentOf(entry));
        for (const act of revocations.#onRevoked) act();
      },
      hearing,
      new AbortController().signal,
    );
    revocations.#loaded = true;
    setInterval(() => {
      revocations.#forget(clock.now() - REVOCATION_TTL_MS);
    }, 3_600_000).unref();
    return revocations;
  }

  /** True if the list was read, and was heard of within the last `UNHEARD_MAX_MS`. */
  get loaded(): boolean {
    return this.#loaded && this.#hearing.lostMs <= UNHEARD_MAX_MS;
  }

  /** Calls `act` after each change. Callers check their sessions again. */
  onRevoked(act: () => void): void {
    this.#onRevoked.add(act);
  }

  /**
   * By what is known here: callers that admit somebody use `refuse`, which also checks that the list is
   * fresh.
   */
  isRevoked({ user, tokenId, olderIds = [], issuedAt, revision }: Revocable): boolean {
    if (this.#tokens.has(tokenId) || olderIds.some((id) => this.#tokens.has(id))) return true;
    return (revision ?? issuedAt) < this.leastOf(user);
  }

  /** Throws UNAUTHENTICATED for what is revoked, UNAVAILABLE while the list is not known. */
  refuse(identity: Revocable): void {
    if (!this.loaded)
      throw new ChatError("UNAVAILABLE", "the list of revoked tokens cannot be read at the moment", {
        retryAfterMs: 500,
      });
    if (this.isRevoked(identity))
      throw new ChatError("UNAUTHENTICATED", "this token was revoked: sign in again");
  }

  /** Revokes all names of the token: tickets and connectors of an older version know the older names. */
  async revokeToken({ tokenId, olderIds = [] }: Revocable): Promise<void> {
    const now = this.#clock.now();
    for (const id of [tokenId, ...olderIds]) {
      await reach(this.#bucket.kv.put(`t.${id}`, revocationText(now)));
      this.#tokens.set(id, now);
    }
  }

  /**
   * The least valid revision of this user's credential, as far as this process knows. 0 if none was revoked.
   */
  leastOf(user: string): number {
    return this.#users.get(user) ?? 0;
  }

  /** Like `leastOf`, but read from the KV now. */
  async readLeastOf(user: string): Promise<number> {
    const entry = await reach(this.#bucket.kv.get(`u.${user}`));
    return entry === null ? 0 : (momentOf(entry) ?? 0);
  }

  /** Revokes every token of an earlier revision of this user's credential. The least revision never falls. */
  async revokeUser(user: string, revision: number): Promise<void> {
    const key = `u.${user}`;
    for (;;) {
      const entry = await reach(this.#bucket.kv.get(key));
      const least = entry === null ? 0 : (momentOf(entry) ?? 0);
      if (least < revision && !(await this.#replace(key, revision, entry?.revision))) continue;
      this.#remember(key, Math.max(least, revision));
      return;
    }
  }

  /** Writes by compare-and-set. Returns false if another writer was faster. */
  async #replace(key: string, revision: number, known: number | undefined): Promise<boolean> {
    const text = revocationText(revision);
    try {
      await (known === undefined
        ? this.#bucket.kv.create(key, text)
        : this.#bucket.kv.update(key, text, known));
      return true;
    } catch (cause) {
      if (isConflict(cause)) return false;
      throw unreachable(cause);
    }
  }

  #remember(key: string, at: number | undefined): void {
    const known = key.startsWith("t.") ? this.#tokens : this.#users;
    const id = key.slice(2);
    if (at === undefined) known.delete(id);
    else known.set(id, at);
  }

  #forget(before: number): void {
    for (const known of [this.#tokens, this.#users])
      for (const [id, at] of known) if (at < before) known.delete(id);
  }
}

const unreachable = (cause: unknown): ChatError =>
  new ChatError("UNAVAILABLE", "the list of revoked tokens is not reachable", { cause, retryAfterMs: 1_000 });

async function reach<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw unreachable(cause);
  }
}

const momentOf = (entry: Pick<KvEntry, "operation" | "string">): number | undefined =>
  entry.operation === "PUT" ? readRevocation(entry.string()) : undefined;

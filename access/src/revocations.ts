import type { KV } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { watchBucket } from "@jichat/runtime/watch-bucket.ts";
import type { Logger } from "pino";

export interface Revocable {
  readonly user: string;
  readonly tokenId: string;
  /** Names that an older version may have revoked it by. */
  readonly olderIds?: readonly string[];
  readonly issuedAt: number;
}

/**
 * Tokens that were signed out, and users all of whose tokens from before a moment are void. Watched, so
 * known within a blink.
 */
export class Revocations {
  readonly #kv: KV;
  readonly #tokens = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #onRevoked = new Set<() => void>();
  #loaded = false;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  /** Watches the list; resolves once all that is in it is known. */
  static async watch(nats: NatsConnection, names: Names, log: Logger): Promise<Revocations> {
    const kv = await new Kvm(nats).open(names.revocations);
    const revocations = new Revocations(kv);
    await watchBucket(
      kv,
      ">",
      (entry) => {
        revocations.#take(entry.key, entry.operation === "PUT" ? Number(entry.string()) : undefined);
        for (const act of revocations.#onRevoked) act();
      },
      new AbortController().signal,
      () => {
        log.error("the watch of revoked tokens ended");
        revocations.#loaded = false;
      },
    );
    revocations.#loaded = true;
    setInterval(() => {
      revocations.#forget(Date.now() - REVOCATION_TTL_MS);
    }, 3_600_000).unref();
    return revocations;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** Calls back after each change: sessions are to be checked again. */
  onRevoked(act: () => void): void {
    this.#onRevoked.add(act);
  }

  isRevoked({ user, tokenId, olderIds = [], issuedAt }: Revocable): boolean {
    if (this.#tokens.has(tokenId) || olderIds.some((id) => this.#tokens.has(id))) return true;
    return issuedAt < (this.#users.get(user) ?? 0);
  }

  /** Throws UNAUTHENTICATED for what is revoked, UNAVAILABLE while the list is not known. */
  refuse(identity: Revocable): void {
    if (!this.#loaded)
      throw new ChatError("UNAVAILABLE", "the list of revoked tokens is not known yet", {
        retryAfterMs: 500,
      });
    if (this.isRevoked(identity))
      throw new ChatError("UNAUTHENTICATED", "this token was revoked: sign in again");
  }

  /** By each of its names: tickets and connectors of an older version know the older ones. */
  async revokeToken({ tokenId, olderIds = [] }: Revocable): Promise<void> {
    const now = Date.now();
    for (const id of [tokenId, ...olderIds]) {
      await reach(this.#kv.put(`t.${id}`, String(now)));
      this.#tokens.set(id, now);
    }
  }

  /** Voids every token of this user that was issued before now. */
  async revokeUser(user: string): Promise<void> {
    const now = Date.now();
    await this.#kv.put(`u.${user}`, String(now));
    this.#users.set(user, now);
  }

  #take(key: string, at: number | undefined): void {
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

async function reach<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new ChatError("UNAVAILABLE", "the list of revoked tokens is not reachable", {
      cause,
      retryAfterMs: 1_000,
    });
  }
}

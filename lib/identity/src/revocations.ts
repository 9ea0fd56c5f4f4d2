import type { KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "@jichat/protocol/clock.ts";
import { endedSessionsText, readEndedSessions } from "@jichat/protocol/bus/ended-sessions.ts";
import { readRevocation, revocationText } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";
import type { Logger } from "pino";
import type { Ended } from "./ended-sessions.ts";
import {
  NOTHING_ENDED,
  endedOf,
  isDeviceEnded,
  isKept,
  isOutdated,
  storedOf,
  withDevice,
  withKept,
  withoutDevices,
} from "./ended-sessions.ts";

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

/** Called after a change, with the user if all of that user's tokens up to a revision were revoked. */
type OnRevoked = (user?: string) => void;

/** Keys of the bucket: `t.<token>`, `u.<user>` for the least revision, `s.<user>` for ended sessions. */
const KIND = { token: "t.", user: "u.", sessions: "s." } as const;

/**
 * Revoked tokens, for each user the least valid revision of the credential, and the sessions that users
 * ended. The list is watched, so changes are known within milliseconds.
 */
export class Revocations {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #hearing: Hearing;
  readonly #tokens = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #ended = new Map<string, Ended>();
  readonly #onRevoked = new Set<OnRevoked>();
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
        revocations.#hear(entry);
        const user = entry.key.startsWith(KIND.user) ? entry.key.slice(KIND.user.length) : undefined;
        for (const act of revocations.#onRevoked) act(user);
      },
      hearing,
      new AbortController().signal,
    );
    revocations.#loaded = true;
    setInterval(() => {
      revocations.#forget(clock.now());
    }, 3_600_000).unref();
    return revocations;
  }

  /** True if the list was read, and was heard of within the last `UNHEARD_MAX_MS`. */
  get loaded(): boolean {
    return this.#loaded && this.#hearing.lostMs <= UNHEARD_MAX_MS;
  }

  /** Calls `act` after each change. Callers check their sessions again. */
  onRevoked(act: OnRevoked): void {
    this.#onRevoked.add(act);
  }

  /**
   * The error for a revoked token or ticket, or for one of a device that was ended; `undefined` if it is
   * valid. By what is known here: callers that admit somebody use `refuse`, which also checks that the list
   * is fresh.
   */
  refusalOf(identity: Revocable, device?: string): ChatError | undefined {
    const { user, tokenId, olderIds = [], issuedAt, revision } = identity;
    if (this.#tokens.has(tokenId) || olderIds.some((id) => this.#tokens.has(id))) return revoked();
    const ended = this.#ended.get(user) ?? NOTHING_ENDED;
    if (device !== undefined && isDeviceEnded(ended, identity, device))
      return new ChatError("UNAUTHENTICATED", "this session was ended: sign in again");
    const least = this.leastOf(user);
    return (revision ?? issuedAt) < least && !isKept(ended, identity, least) ? revoked() : undefined;
  }

  /** As `refusalOf`, without the reason. */
  isRevoked(identity: Revocable, device?: string): boolean {
    return this.refusalOf(identity, device) !== undefined;
  }

  /**
   * Throws UNAUTHENTICATED for what is revoked, UNAVAILABLE while the list is not known. `device` is the one
   * that shows the token or ticket, if that is known.
   */
  refuse(identity: Revocable, device?: string): void {
    if (!this.loaded)
      throw new ChatError("UNAVAILABLE", "the list of revoked tokens cannot be read at the moment", {
        retryAfterMs: 500,
      });
    const refusal = this.refusalOf(identity, device);
    if (refusal !== undefined) throw refusal;
  }

  /** Revokes all names of the token: tickets and connectors of an older version know the older names. */
  async revokeToken({ tokenId, olderIds = [] }: Revocable): Promise<void> {
    const now = this.#clock.now();
    for (const id of [tokenId, ...olderIds]) {
      await reach(this.#bucket.kv.put(KIND.token + id, revocationText(now)));
      this.#tokens.set(id, now);
    }
  }

  /**
   * The least valid revision of this user's credential, as far as this process knows. 0 if none was revoked.
   */
  leastOf(user: string): number {
    return this.#users.get(user) ?? 0;
  }

  /**
   * Like `leastOf`, but read from the KV now. A revision up to which a token was kept counts too: a later
   * revocation is above it, even if the one that it was meant for never came.
   */
  async readLeastOf(user: string): Promise<number> {
    const [least, ended] = await reach(
      Promise.all([this.#bucket.kv.get(KIND.user + user), this.#bucket.kv.get(KIND.sessions + user)]),
    );
    return Math.max(
      least === null ? 0 : (momentOf(least) ?? 0),
      ended === null ? 0 : (endedIn(ended)?.kept?.revision ?? 0),
    );
  }

  /** Revokes every token of an earlier revision of this user's credential. The least revision never falls. */
  async revokeUser(user: string, revision: number): Promise<void> {
    const key = KIND.user + user;
    for (;;) {
      const entry = await reach(this.#bucket.kv.get(key));
      const least = entry === null ? 0 : (momentOf(entry) ?? 0);
      if (least < revision && !(await this.#replace(key, revocationText(revision), entry?.revision)))
        continue;
      this.#remember(this.#users, user, Math.max(least, revision));
      return;
    }
  }

  /**
   * Ends the sessions of one device: what was issued until now is not accepted from it. Throws CONFLICT if
   * too many devices were ended one by one.
   */
  async endDevice(user: string, device: string): Promise<void> {
    await this.#changeEnded(user, (ended) => withDevice(ended, device, this.#clock.now()));
  }

  /**
   * Before `revokeUser(user, revision)`: the one token that stays valid. The list is read in the order in
   * which it is written, so nobody sees the revocation without its exception.
   */
  async keepToken({ user, tokenId }: Revocable, revision: number): Promise<void> {
    await this.#changeEnded(user, (ended) => withKept(ended, tokenId, revision));
  }

  /** Behind `revokeUser`, which keeps out the devices that were ended until `time`: their entries go. */
  async forgetDevices(user: string, time: number): Promise<void> {
    if (this.#ended.has(user)) await this.#changeEnded(user, (ended) => withoutDevices(ended, time));
  }

  async #changeEnded(user: string, change: (ended: Ended) => Ended): Promise<void> {
    const key = KIND.sessions + user;
    for (;;) {
      const entry = await reach(this.#bucket.kv.get(key));
      const ended = change((entry === null ? undefined : endedIn(entry)) ?? NOTHING_ENDED);
      if (!(await this.#replace(key, endedSessionsText(storedOf(ended)), entry?.revision))) continue;
      this.#remember(this.#ended, user, ended);
      return;
    }
  }

  /** Writes by compare-and-set. Returns false if another writer was faster. */
  async #replace(key: string, text: string, known: number | undefined): Promise<boolean> {
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

  #hear(entry: Heard): void {
    const [kind, id] = [entry.key.slice(0, 2), entry.key.slice(2)];
    if (kind === KIND.sessions) this.#remember(this.#ended, id, endedIn(entry));
    else this.#remember(kind === KIND.token ? this.#tokens : this.#users, id, momentOf(entry));
  }

  #remember<T>(known: Map<string, T>, id: string, value: T | undefined): void {
    if (value === undefined) known.delete(id);
    else known.set(id, value);
  }

  #forget(now: number): void {
    for (const known of [this.#tokens, this.#users])
      for (const [id, at] of known) if (at < now - REVOCATION_TTL_MS) known.delete(id);
    for (const [user, ended] of this.#ended) if (isOutdated(ended, now)) this.#ended.delete(user);
  }
}

type Heard = Pick<KvEntry, "key" | "operation" | "string">;

const revoked = (): ChatError => new ChatError("UNAUTHENTICATED", "this token was revoked: sign in again");

const unreachable = (cause: unknown): ChatError =>
  new ChatError("UNAVAILABLE", "the list of revoked tokens is not reachable", { cause, retryAfterMs: 1_000 });

async function reach<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw unreachable(cause);
  }
}

const momentOf = (entry: Omit<Heard, "key">): number | undefined =>
  entry.operation === "PUT" ? readRevocation(entry.string()) : undefined;

const endedIn = (entry: Omit<Heard, "key">): Ended | undefined =>
  entry.operation === "PUT" ? endedOf(readEndedSessions(entry.string())) : undefined;

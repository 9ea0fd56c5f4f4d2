import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import type { Config } from "./config.ts";
import type { KnownAddresses } from "./known-addresses.ts";
import { spend } from "./request.ts";

/** Tries of one user's password, in all and from one address: ten at once, then one every five seconds. */
const TRIES_PER_SECOND = 0.2;
const TRIES_BURST = 10;
/** In one window, all processes together allow as much as one process allows at most. */
const ADDRESS_WINDOW_MS = 10_000;
const TRIES_WINDOW_MS = (TRIES_BURST / TRIES_PER_SECOND) * 1_000;

type Check = ReturnType<FastifyInstance["createRateLimit"]>;

export interface SignInLimitParts {
  readonly config: Pick<Config, "cluster" | "signInsPerSecond">;
  /** Undefined if each process counts for itself. */
  readonly redis: RedisConnection | undefined;
  readonly knownAddresses: KnownAddresses;
}

/**
 * Limits sign-ups and sign-ins by `request.ip` (`client-names.ts`) and by user. Each limit is counted in this
 * process, and in Redis for all processes. While Redis is unreachable, the limits of each process remain.
 */
export class SignInLimits {
  readonly #byAddress: Check;
  readonly #byUserAndAddress: Check;
  readonly #failuresByUser: Check;
  readonly #addresses: TokenBuckets;
  readonly #pairs = new TokenBuckets(TRIES_PER_SECOND, TRIES_BURST);
  readonly #failures = new TokenBuckets(TRIES_PER_SECOND, TRIES_BURST);
  readonly #known: KnownAddresses;

  private constructor(app: FastifyInstance, perSecond: number, known: KnownAddresses) {
    this.#known = known;
    this.#addresses = new TokenBuckets(perSecond, 10 * perSecond);
    this.#byAddress = app.createRateLimit({
      max: (ADDRESS_WINDOW_MS / 1_000 + 10) * perSecond,
      timeWindow: ADDRESS_WINDOW_MS,
      keyGenerator: ({ ip }) => `a ${ip}`,
    });
    this.#byUserAndAddress = app.createRateLimit({
      max: 2 * TRIES_BURST,
      timeWindow: TRIES_WINDOW_MS,
      keyGenerator: ({ ip, tries }) => `u ${tries ?? ""} ${ip}`,
    });
    this.#failuresByUser = app.createRateLimit({
      max: 2 * TRIES_BURST,
      timeWindow: TRIES_WINDOW_MS,
      keyGenerator: ({ tries }) => `f ${tries ?? ""}`,
    });
  }

  static async open(app: FastifyInstance, parts: SignInLimitParts): Promise<SignInLimits> {
    const { config, redis, knownAddresses } = parts;
    app.decorateRequest("tries", undefined);
    await app.register(rateLimit, {
      global: false,
      skipOnError: true,
      nameSpace: `${config.cluster}:limits:`,
      ...(redis === undefined ? {} : { redis }),
    });
    return new SignInLimits(app, config.signInsPerSecond, knownAddresses);
  }

  /** Counts one request of this address. Throws RATE_LIMITED if there are too many. */
  async address(request: FastifyRequest, what: string): Promise<void> {
    spend(this.#addresses, request.ip, `${what} from this address`);
    await within(this.#byAddress, request, `${what} from this address`);
  }

  /**
   * Runs `act`, which tries a user's password and resolves with undefined if it was wrong. Per user and
   * address every try counts. Over all addresses only a user's failures count, and addresses of the user's
   * recent sign-ins are exempt, so strangers who guess cannot lock the user out. Throws RATE_LIMITED.
   */
  async try<T>(
    request: FastifyRequest,
    user: string,
    act: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    await this.address(request, "sign-ins");
    request.tries = user;
    const address = request.ip;
    spend(this.#pairs, `${user} ${address}`, "sign-ins of this user from this address");
    await within(this.#byUserAndAddress, request, "sign-ins of this user from this address");
    const isKnown = await this.#known.has(user, address);
    if (!isKnown) await this.#refuseGuesses(request, user);
    const found = await act();
    if (found === undefined) {
      if (!isKnown) await this.#failuresByUser(request);
      return undefined;
    }
    // The try was charged in advance, so that many at once cannot exceed the limit. A negative cost gives it
    // back.
    if (!isKnown) this.#failures.spend(user, -1, systemClock.monotonic());
    await this.#known.add(user, address);
    return found;
  }

  /**
   * Refuses a user with too many failures. Redis counts a failure once it has happened. Until then this
   * process's bucket holds its place.
   */
  async #refuseGuesses(request: FastifyRequest, user: string): Promise<void> {
    const what = "failed sign-ins of this user";
    const found = await this.#failuresByUser(request, { increment: false });
    if (!found.isAllowed && found.remaining === 0) throw tooMany(what, found.ttl);
    spend(this.#failures, user, what);
  }

  sweep(now: number): void {
    for (const buckets of [this.#addresses, this.#pairs, this.#failures]) buckets.sweep(now);
  }
}

async function within(check: Check, request: FastifyRequest, what: string): Promise<void> {
  const found = await check(request);
  if (!found.isAllowed && found.isExceeded) throw tooMany(what, found.ttl);
}

const tooMany = (what: string, ttlMs: number): ChatError =>
  new ChatError("RATE_LIMITED", `too many ${what}`, { retryAfterMs: Math.max(1, ttlMs) });

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FastifyRequest } from "fastify";
import { fastify } from "fastify";
import { NO_PROXY, clientKey } from "@jichat/edge/client-address.ts";
import { KnownAddresses } from "./known-addresses.ts";
import { offlineParts } from "./offline-parts.ts";
import { SignInLimits } from "./sign-in-limits.ts";
import type { SignInLimitParts } from "./sign-in-limits.ts";

type Told = (error: Error | null, found?: [number, number]) => void;
const KEPT_MS = 50_000;

/** What the limits ask of Redis, counted here; or nothing but failures. */
function redisStand(isAway: boolean): SignInLimitParts["redis"] {
  const counts = new Map<string, number>();
  const redis = {
    defineCommand: () => undefined,
    rateLimit: (key: string, windowMs: number, _max: number, _go: unknown, _back: unknown, told: Told) => {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (isAway) told(new Error("away"));
      else told(null, [counts.get(key) ?? 0, windowMs]);
    },
    rateLimitRead: (key: string, told: Told) => {
      if (isAway) told(new Error("away"));
      else told(null, [counts.get(key) ?? 0, KEPT_MS]);
    },
    exists: async () => (isAway ? Promise.reject(new Error("away")) : 0),
    set: async () => (isAway ? Promise.reject(new Error("away")) : "OK"),
  };
  return redis as unknown as SignInLimitParts["redis"];
}

async function open(redis: SignInLimitParts["redis"]): Promise<SignInLimits> {
  const parts = offlineParts({ signInsPerSecond: 100 });
  const knownAddresses = new KnownAddresses(redis, "none", parts.telemetry.log);
  return SignInLimits.open(fastify(), Object.assign(parts, { redis, knownAddresses }));
}

/** As `client-names.ts` names who asks. */
const from = (address: string): FastifyRequest =>
  ({ ip: clientKey(NO_PROXY, address, ""), routeOptions: { config: {} } }) as unknown as FastifyRequest;

/** How many of `times` tries were let through. */
async function tries(
  limits: readonly SignInLimits[],
  times: number,
  ipOf: (i: number) => string,
  isRight: boolean,
): Promise<number> {
  let passed = 0;
  for (let i = 0; i < times; i += 1) {
    try {
      await limits[i % limits.length]?.try(from(ipOf(i)), "ann", async () => isRight || undefined);
      passed += 1;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "RATE_LIMITED");
    }
  }
  return passed;
}

test("one address may try a user's password ten times at once, with Redis and without", async () => {
  for (const isAway of [false, true]) {
    const limits = await open(redisStand(isAway));
    assert.equal(await tries([limits], 50, () => "192.0.2.1", false), 10);
    assert.equal(
      await tries([limits], 50, (i) => `2001:db8::${i}`, true),
      0,
      "guessed at, and from elsewhere",
    );
  }
});

test("more processes do not allow more attempts", async () => {
  const redis = redisStand(false);
  const limits = await Promise.all(Array.from({ length: 5 }, async () => open(redis)));
  assert.equal(await tries(limits, 100, () => "192.0.2.1", false), 20);
});

test("more processes do not allow more guesses from all addresses, except without Redis", async () => {
  const guess = async (isAway: boolean): Promise<number> => {
    const redis = redisStand(isAway);
    const limits = await Promise.all(Array.from({ length: 5 }, async () => open(redis)));
    return tries(limits, 200, (i) => `203.0.113.${i}`, false);
  };
  assert.equal(await guess(false), 20);
  assert.equal(await guess(true), 50);
});

test("an IPv6 network counts as one address, and so does each spelling of an IPv4 address", async () => {
  assert.equal(await tries([await open(undefined)], 50, (i) => `2001:db8::${i}`, true), 10);
  const written = ["192.0.2.1", "::ffff:192.0.2.1"];
  assert.equal(await tries([await open(undefined)], 50, (i) => written[i % 2] ?? "", true), 10);
});

test("a correct sign-in costs the user nothing, and succeeds while others guess", async () => {
  const limits = await open(undefined);
  assert.equal(await tries([limits], 100, (i) => `198.51.100.${i}`, true), 100);
  assert.equal(await tries([limits], 60, (i) => `203.0.113.${i}`, false), 10);
  assert.equal(await tries([limits], 9, () => "198.51.100.1", true), 9);
});

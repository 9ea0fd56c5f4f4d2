import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import {
  PUSH_DEVICES_MAX,
  readPushOwners,
  readPushRegistrations,
} from "@jichat/protocol/bus/push-registration.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { JetStreamApiError } from "@nats-io/jetstream";
import { PushDevices } from "./push-devices.ts";
import type { DevicesBucket } from "./push-targets.ts";
import { nameOfTarget, withRegistration } from "./push-targets.ts";

let clock = 0;
const tokenOf = (token: string) => ({ kind: "fcm", token }) as const;
const registrationOf = (device: string, token: string): PushRegistration => {
  clock += 1;
  return { device, target: tokenOf(token), locale: "en", preview: "text", registeredAt: clock };
};

class Crash extends Error {}

/** A bucket in memory. Each request takes a random time; the process of `crashAt` ends at that write. */
class Memory {
  readonly entries = new Map<string, { revision: number; text: string | undefined }>();
  #revision = 0;
  writes = 0;
  crashAt = Infinity;
  /** From 0 to 1. */
  dice = (): number => 0;

  bucket(): DevicesBucket {
    const conflict = new JetStreamApiError({ code: 400, err_code: 10_071, description: "wrong sequence" });
    const away = async (): Promise<void> => {
      for (let turns = Math.floor(5 * this.dice()); turns > 0; turns -= 1) await Promise.resolve();
    };
    const write = async (
      key: string,
      text: string | undefined,
      known: number | undefined,
    ): Promise<number> => {
      await away();
      this.writes += 1;
      if (this.writes === this.crashAt) throw new Crash("the process ended");
      const entry = this.entries.get(key);
      if (known === undefined ? entry?.text !== undefined : entry?.revision !== known) throw conflict;
      this.#revision += 1;
      this.entries.set(key, { revision: this.#revision, text });
      await away();
      return this.#revision;
    };
    const kv = {
      get: async (key: string) => {
        await away();
        const entry = this.entries.get(key);
        await away();
        if (entry === undefined) return null;
        const { revision, text = "" } = entry;
        return { key, revision, operation: entry.text === undefined ? "DEL" : "PUT", string: () => text };
      },
      create: async (key: string, text: string) => write(key, text, undefined),
      update: async (key: string, text: string, known: number) => write(key, text, known),
      delete: async (key: string, { previousSeq }: { previousSeq: number }) => {
        await write(key, undefined, previousSeq);
      },
    };
    return {
      kv: kv as unknown as DevicesBucket["kv"],
      erase: async (revision) => {
        await away();
        this.writes += 1;
        if (this.writes === this.crashAt) throw new Crash("the process ended");
        const [key] = [...this.entries].find(([, entry]) => entry.revision === revision) ?? [];
        return key !== undefined && this.entries.delete(key);
      },
      keys: async function* (this: Memory) {
        for (const [key, { text }] of this.entries) if (text !== undefined) yield key;
      }.bind(this),
    };
  }

  /** Each registration as `user device token`. */
  held(): string[] {
    return [...this.entries]
      .flatMap(([key, { text }]) =>
        key.startsWith("u.") && text !== undefined
          ? readPushRegistrations(text).map((one) => `${key.slice(2)} ${one.device} ${tokenIn(one)}`)
          : [],
      )
      .sort();
  }

  /** Each target that belongs to somebody, as `user device token`. */
  owned(tokens: readonly string[]): string[] {
    return tokens
      .flatMap((token) => {
        const text = this.entries.get(`t.${nameOfTarget(tokenOf(token))}`)?.text;
        if (text === undefined) return [];
        const [{ user, device }] = readPushOwners(text);
        return [`${user} ${device} ${token}`];
      })
      .sort();
  }
}
const tokenIn = ({ target }: PushRegistration): string =>
  target.kind === "webpush" ? target.endpoint : target.token;

/** A crash, and what a request answers whose outcome depends on others. */
const unlessExpected = (error: unknown): void => {
  if (error instanceof ChatError && (error.code === "CONFLICT" || error.cause instanceof Crash)) return;
  throw error;
};

test("a device's target is replaced in one write, and of too many devices the oldest goes", () => {
  const first = registrationOf("d0", "t0");
  const all = Array.from({ length: PUSH_DEVICES_MAX - 1 }, (_, i) =>
    registrationOf(`d${i + 1}`, `t${i + 1}`),
  );
  const full = [first, ...all];
  const again = registrationOf("d0", "new");
  assert.deepEqual(withRegistration(full, again), [...all, again]);
  const more = registrationOf("more", "more");
  assert.deepEqual(withRegistration(full, more), [...all, more]);
  assert.equal(withRegistration(full, more).length, PUSH_DEVICES_MAX);
  const moved = registrationOf("moved", "t3");
  assert.deepEqual(
    withRegistration(full, moved).map(({ device }) => device),
    [...full.filter(({ device }) => device !== "d3"), moved].map(({ device }) => device),
  );
});

test("a target moves to the next account, wherever the process ends on the way", async () => {
  for (let crashAt = 1; crashAt < 20; crashAt += 1) {
    const memory = new Memory();
    const devices = new PushDevices(memory.bucket());
    await devices.put("ann", registrationOf("phone", "old"));
    await devices.put("ann", registrationOf("phone", "shared"));
    await devices.put("bob", registrationOf("phone2", "bobs"));
    assert.deepEqual(memory.owned(["old", "shared", "bobs"]), ["ann phone shared", "bob phone2 bobs"]);
    memory.crashAt = memory.writes + crashAt;
    const moving = devices.put("bob", registrationOf("phone2", "shared"));
    const ended = await moving.then(
      () => false,
      (error: unknown) => {
        unlessExpected(error);
        return true;
      },
    );
    if (!ended) {
      assert.ok(crashAt > 3, "a move has at least three writes");
      assert.deepEqual(memory.held(), ["bob phone2 shared"]);
      return;
    }
    assert.ok(memory.held().length >= 1, "bob has one of his targets all the time");
    memory.crashAt = Infinity;
    await devices.put("bob", registrationOf("phone2", "shared"));
    assert.deepEqual(memory.held(), ["bob phone2 shared"], `ended at write ${crashAt}`);
    assert.ok(memory.owned(["shared"]).includes("bob phone2 shared"));
  }
  assert.fail("a move has fewer than 20 writes");
});

/** A generator of numbers from 0 to 1 (mulberry32). */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test("whatever races and ends half-way: each target is with one device, once it is registered again", async () => {
  const [USERS, DEVICES, TOKENS] = [
    ["ann", "bob", "cid"],
    ["phone", "pad"],
    ["t1", "t2", "t3"],
  ] as const;
  for (let seed = 1; seed <= 400; seed += 1) {
    const dice = diceOf(seed);
    const memory = new Memory();
    memory.dice = dice;
    const pick = <T>(from: readonly T[]): T => from[Math.floor(dice() * from.length)] ?? assert.fail();
    // Each request is a process of its own, so that one may end without the others.
    const act = async (): Promise<unknown> => {
      const devices = new PushDevices(memory.bucket());
      const [user, device, token, what] = [pick(USERS), pick(DEVICES), pick(TOKENS), dice()];
      if (what < 0.6) return devices.put(user, registrationOf(device, token));
      if (what < 0.75) return devices.remove(user, device);
      if (what < 0.9) return devices.removeIfStill(user, device, tokenOf(token));
      return devices.removeAll(user);
    };
    for (let round = 0; round < 4; round += 1) {
      if (dice() < 0.5) memory.crashAt = memory.writes + 1 + Math.floor(12 * dice());
      const racing = Array.from({ length: 3 }, async () => act().catch(unlessExpected));
      await Promise.all(racing);
      memory.crashAt = Infinity;
    }
    // Without a crash, no target is with two.
    const devices = new PushDevices(memory.bucket());
    const expected = TOKENS.map((token, i) => `${USERS[i]} phone ${token}`);
    for (const [i, token] of TOKENS.entries())
      await devices.put(USERS[i] ?? "", registrationOf("phone", token));
    const held = memory.held().filter((one) => one.includes(" phone "));
    assert.deepEqual(held, expected, `seed ${seed}`);
    assert.deepEqual(memory.held(), expected, `seed ${seed}: a target is with a second device`);
    assert.deepEqual(memory.owned(TOKENS), expected, `seed ${seed}`);
  }
});

test("without a crash, racing accounts leave a target with one of them, and know whose it is", async () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const dice = diceOf(seed);
    const memory = new Memory();
    memory.dice = dice;
    const devices = new PushDevices(memory.bucket());
    const racing = ["ann", "bob", "cid"].flatMap((user) => [
      devices.put(user, registrationOf("phone", "t1")).catch(unlessExpected),
      ...(dice() < 0.5 ? [devices.removeIfStill(user, "phone", tokenOf("t1"))] : []),
      ...(dice() < 0.3 ? [devices.removeAll(user)] : []),
    ]);
    await Promise.all(racing);
    const held = memory.held();
    assert.ok(held.length <= 1, `seed ${seed}: ${held.join()}`);
    // Nobody may have it; but who has it is known, or the next account would leave it there.
    if (held.length === 1) assert.deepEqual(memory.owned(["t1"]), held, `seed ${seed}`);
  }
});

test("a provider's late answer removes no newer target, and a removal says whether there was something", async () => {
  const memory = new Memory();
  const devices = new PushDevices(memory.bucket());
  await devices.put("ann", registrationOf("phone", "t1"));
  await devices.put("ann", registrationOf("phone", "t2"));
  assert.equal(await devices.removeIfStill("ann", "phone", tokenOf("t1")), false);
  assert.deepEqual(memory.held(), ["ann phone t2"]);
  assert.equal(await devices.removeIfStill("ann", "phone", tokenOf("t2")), true);
  assert.deepEqual([memory.held(), memory.owned(["t1", "t2"])], [[], []]);
  assert.equal(await devices.remove("ann", "phone"), false);
  await devices.put("ann", registrationOf("phone", "t1"));
  await devices.put("ann", registrationOf("pad", "t2"));
  assert.equal(await devices.removeAll("ann"), true);
  assert.equal(await devices.removeAll("ann"), false);
  assert.deepEqual([memory.held(), memory.owned(["t1", "t2"])], [[], []]);
});

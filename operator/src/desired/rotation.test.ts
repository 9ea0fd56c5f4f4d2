import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf } from "../../test/input.ts";
import type { Keys } from "./keys.ts";
import {
  ORDER,
  clusterKeysOf,
  credentialOf,
  credentialsOf,
  decodeKeys,
  encodeKeys,
  keysOf,
  newGeneration,
  newVapidKeys,
  publicOf,
  tokenKeysOf,
  usedBy,
} from "./keys.ts";
import { EARLIER_MAX, advanced, keysFor, livesOf, rotationRefused } from "./rotation.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const LIVES = { tokenMs: 24 * HOUR, ticketMs: HOUR };
const DONE = { isTaken: true, isInPods: true };
const NOTHING = { isTaken: false, isInPods: false };

const ask = (keys: Keys | undefined, rotation: string, now = NOW): Keys =>
  keysFor(keys, rotation, { lives: LIVES, now });
const step = (keys: Keys, now = NOW): Keys => advanced(keys, DONE, LIVES, now);
/** All steps that are left. */
const finish = (keys: Keys, now = NOW, lives = LIVES): Keys =>
  keys.coming === undefined ? keys : finish(advanced(keys, DONE, lives, now), now, lives);
const rotate = (keys: Keys, rotation: string, now = NOW): Keys => finish(ask(keys, rotation, now), now);
const first = ask(undefined, "");
const kids = (keys: Keys): unknown[] => tokenKeysOf(keys).map(({ kid }) => kid);

test("a rotation passes through its steps, and each step waits for its condition", () => {
  const offered = ask(first, "now");
  assert.equal(ask(offered, "now"), offered, "made once");
  assert.equal(ask(offered, "again"), offered, "one at a time");
  assert.equal(advanced(offered, { isTaken: false, isInPods: true }, LIVES, NOW), offered);
  assert.deepEqual(kids(offered), [first.signingKey["kid"], offered.coming?.signingKey["kid"]]);
  assert.equal(clusterKeysOf(offered)[0], first.clusterKey, "the old one still signs");
  assert.equal(credentialOf(offered, "nats", "router").user, "router-1");

  let connected = advanced(offered, { isTaken: true, isInPods: false }, LIVES, NOW);
  const users = ["operator", "storage", "router", "push", "api", "connector"] as const;
  for (const stage of ORDER) {
    assert.equal(connected.coming?.stage, stage);
    assert.equal(clusterKeysOf(connected)[0], first.clusterKey, "somebody does not check by the new one yet");
    assert.deepEqual(
      users.map((user) => usedBy(connected, user).generation),
      users.map((_, at) => (at <= users.indexOf(stage) ? 2 : 1)),
    );
    assert.equal(advanced(connected, { isTaken: true, isInPods: false }, LIVES, NOW), connected);
    if (stage !== "connector")
      connected = advanced(connected, { isTaken: false, isInPods: true }, LIVES, NOW);
  }
  for (const keys of [offered, connected])
    assert.deepEqual(
      credentialsOf(keys, "redis", ["api"]).map(({ user }) => user),
      ["api-1", "api-2"],
    );

  const used = advanced(connected, { isTaken: false, isInPods: true }, LIVES, NOW);
  assert.deepEqual([used.generation, used.rotation, used.coming], [2, "now", undefined]);
  assert.deepEqual(kids(used), [used.signingKey["kid"], first.signingKey["kid"]]);
  assert.deepEqual(clusterKeysOf(used), [connected.coming?.clusterKey, first.clusterKey]);
  assert.deepEqual(
    credentialsOf(used, "nats", ["router"]).map(({ user }) => user),
    ["router-2"],
  );
  assert.equal(ask(used, "now"), used);
});

test("tokens and tickets of three rotations in two minutes are checked by each earlier generation, newest first", () => {
  const all = [first];
  for (const [at, rotation] of ["a", "b", "c"].entries())
    all.push(rotate(all.at(-1) ?? first, rotation, NOW + at * 40_000));
  const last = all.at(-1) ?? first;
  const newestFirst = [...all].reverse();
  assert.deepEqual(
    kids(last),
    newestFirst.map(({ signingKey }) => signingKey["kid"]),
  );
  assert.deepEqual(
    clusterKeysOf(last),
    newestFirst.map(({ clusterKey }) => clusterKey),
  );
  assert.equal(new Set(clusterKeysOf(last)).size, 4);
  assert.ok(tokenKeysOf(last).every((key) => !("d" in key)));
});

test("of the rotations requested during a rotation only the last begins, after that one ends", () => {
  const connected = step(ask(first, "a"));
  const used = finish(ask(ask(connected, "b"), "c"));
  assert.equal(used.rotation, "a");
  assert.equal(ask(used, "c").coming?.rotation, "c");
});

test("an earlier key is removed once nothing that it signed can be valid, for tickets before tokens", () => {
  const keys = rotate(first, "a");
  const until = (life: number): number => NOW + life + 5_000 + 600_000;
  const at = (now: number): [number, number] => {
    const then = ask(keys, "a", now);
    return [tokenKeysOf(then).length, clusterKeysOf(then).length];
  };
  assert.deepEqual(at(until(HOUR) - 1), [2, 2]);
  assert.deepEqual(at(until(HOUR)), [2, 1]);
  assert.deepEqual(at(until(24 * HOUR) - 1), [2, 1]);
  assert.deepEqual(at(until(24 * HOUR)), [1, 1]);
});

test("lifetimes are those of the components, and a shorter one does not shorten tokens issued before", () => {
  const withEnv = (api: object[], connectors: object[]) =>
    livesOf(clusterOf({ api: { template: { env: api } }, connectors: { template: { env: connectors } } }));
  assert.deepEqual(livesOf(clusterOf()), LIVES);
  assert.deepEqual(
    withEnv([{ name: "TOKEN_LIFE_MS", value: "60000" }], [{ name: "TICKET_LIFE_MS", value: "7200000" }]),
    { tokenMs: 60_000, ticketMs: 7_200_000 },
  );
  const elsewhere = { configMapKeyRef: { name: "c", key: "k" } };
  assert.deepEqual(withEnv([{ name: "TOKEN_LIFE_MS", valueFrom: elsewhere }], []), {
    tokenMs: 30 * 24 * HOUR,
    ticketMs: HOUR,
  });
  const long = keysFor(first, "", { lives: { tokenMs: 48 * HOUR, ticketMs: HOUR }, now: NOW });
  const short = keysFor(long, "a", { lives: { tokenMs: HOUR, ticketMs: HOUR }, now: NOW });
  const used = finish(short, NOW, { tokenMs: HOUR, ticketMs: HOUR });
  assert.equal(used.earlierTokenKeys[0]?.until, NOW + 48 * HOUR + 605_000);
  assert.equal(used.lives.tokenMs, HOUR);
});

test("no rotation begins with too many needed earlier keys, and the condition names the time until then", () => {
  let keys = first;
  for (let at = 0; at < EARLIER_MAX; at += 1) keys = rotate(keys, String(at), NOW + at);
  assert.equal(keys.generation, EARLIER_MAX + 1);
  const refused = ask(keys, "one more", NOW + EARLIER_MAX);
  assert.equal(refused, keys, "nothing is dropped, nothing is made");
  assert.match(rotationRefused(keys) ?? "", /100 earlier keys still check tokens.*at 20\d\d-/);
  assert.equal(rotationRefused(rotate(first, "a")), undefined);
  const later = NOW + 24 * HOUR + 605_000;
  assert.equal(ask(keys, "one more", later).coming?.rotation, "one more");
});

/** As the operator before this one wrote it. */
function storedBefore(rotated: boolean): string {
  const { signingKey, passwords, clusterKey } = newGeneration("", 7);
  const { "nats/system": _, ...known } = passwords;
  const other = newGeneration("", 6);
  const publicKeys = [publicOf(signingKey), ...(rotated ? [publicOf(other.signingKey)] : [])];
  const passwordsBefore = rotated ? other.passwords : {};
  const value = {
    rotation: "x",
    generation: 7,
    clusterKey,
    signingKey,
    publicKeys,
    passwords: known,
    passwordsBefore,
  };
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

test("the Secret of the previous version is carried over with its present and earlier keys and passwords", () => {
  const text = storedBefore(true);
  const keys = decodeKeys(text, LIVES, NOW) ?? assert.fail();
  assert.equal(tokenKeysOf(keys).length, 2);
  assert.equal(keys.earlierTokenKeys[0]?.until, NOW + LIVES.tokenMs);
  assert.deepEqual(
    credentialsOf(keys, "nats", ["router"]).map(({ user }) => user),
    ["router-7", "router-6"],
  );
  const system = credentialOf(keys, "nats", "system");
  assert.ok(system.password.length >= 32);
  assert.deepEqual(credentialOf(decodeKeys(text, LIVES, NOW + 1) ?? keys, "nats", "system"), system);
  assert.equal(advanced(keys, NOTHING, LIVES, NOW), keys);
  assert.equal(credentialsOf(advanced(keys, DONE, LIVES, NOW), "nats", ["router"]).length, 1);
  assert.equal(tokenKeysOf(decodeKeys(storedBefore(false), LIVES, NOW) ?? keys).length, 1);
});

test("the written Secret is read unchanged, also by the previous version, and a broken one is an error", () => {
  for (const keys of [first, ask(first, "a"), rotate(rotate(first, "a"), "b")]) {
    const text = encodeKeys(keys);
    assert.deepEqual(decodeKeys(text, LIVES, NOW + 1), keys);
    const { publicKeys, passwordsBefore } = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as {
      readonly publicKeys: readonly object[];
      readonly passwordsBefore: object;
    };
    assert.deepEqual([publicKeys[0], passwordsBefore], [publicOf(keys.signingKey), {}]);
  }
  assert.equal(decodeKeys(undefined, LIVES, NOW), undefined);
  const broken = Buffer.from("{}").toString("base64");
  assert.throws(() => decodeKeys(broken, LIVES, NOW), /delete it, and the operator makes new keys/);
  assert.notEqual(keysOf(newGeneration("", 1), LIVES).clusterKey, first.clusterKey);
});

test("VAPID keys outlast every rotation, and the Secret that keeps them", () => {
  const vapid = newVapidKeys();
  const keys = rotate({ ...first, vapid }, "now");
  assert.equal(keys.generation, 2);
  assert.equal(keys.vapid, vapid, "browsers have subscribed with them");
  assert.deepEqual(decodeKeys(encodeKeys(keys), LIVES, NOW)?.vapid, vapid);
  assert.equal(decodeKeys(encodeKeys(first), LIVES, NOW)?.vapid, undefined);
});

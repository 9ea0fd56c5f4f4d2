import assert from "node:assert/strict";
import { test } from "node:test";
import { readEndedSessions, endedSessionsText } from "@jichat/protocol/bus/ended-sessions.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Ended } from "./ended-sessions.ts";
import {
  ENDED_DEVICES_MAX,
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

const NOW = 1_800_000_000_000;
const issued = (issuedAt: number) => ({ tokenId: "t", issuedAt });

test("what was issued before a device was ended is out, from that device alone; what came later is good", () => {
  const ended = withDevice(NOTHING_ENDED, "phone", NOW);
  assert.equal(isDeviceEnded(ended, issued(NOW - 1), "phone"), true);
  assert.equal(isDeviceEnded(ended, issued(NOW), "phone"), false);
  assert.equal(isDeviceEnded(ended, issued(NOW - 1), "laptop"), false);
  for (const device of ["__proto__", "constructor", "toString"])
    assert.equal(isDeviceEnded(ended, issued(0), device), false, device);
  assert.equal(isDeviceEnded(withDevice(ended, "__proto__", NOW), issued(0), "__proto__"), true);
});

test("a hundred devices are ended one by one, one more is refused, and entries that are too old do not count", () => {
  let ended: Ended = NOTHING_ENDED;
  for (let i = 0; i < ENDED_DEVICES_MAX; i += 1) ended = withDevice(ended, `d${i}`, NOW + i);
  assert.throws(() => withDevice(ended, "one-more", NOW + 1_000), { code: "CONFLICT", message: /end all/ });
  assert.equal(withDevice(ended, "d0", NOW + 1_000).devices.size, ENDED_DEVICES_MAX, "the same one again");
  const later = withDevice(ended, "one-more", NOW + REVOCATION_TTL_MS);
  assert.equal(later.devices.has("d0"), false);
  assert.equal(later.devices.size, ENDED_DEVICES_MAX);
});

test("one token is kept, up to the revision that it was kept for and no further", () => {
  const ended = withKept(withDevice(NOTHING_ENDED, "phone", NOW), "t", 7);
  assert.equal(isKept(ended, issued(1), 7), true);
  assert.equal(isKept(ended, issued(1), 8), false);
  assert.equal(isKept(ended, { tokenId: "other", issuedAt: 1 }, 7), false);
  assert.equal(isDeviceEnded(ended, issued(1), "phone"), true, "the device stays out");
  const left = withoutDevices(withDevice(ended, "laptop", NOW + 5), NOW);
  assert.deepEqual([...left.devices.keys()], ["laptop"]);
  assert.equal(isKept(left, issued(1), 7), true);
});

test("it is stored and read as it was, and is outdated once no token can be older", () => {
  const ended = withKept(withDevice(NOTHING_ENDED, "__proto__", NOW), "t", NOW);
  const read = endedOf(readEndedSessions(endedSessionsText(storedOf(ended))));
  assert.deepEqual(read, ended);
  assert.deepEqual(endedOf(readEndedSessions('{"v":1,"devices":[]}')), NOTHING_ENDED);
  assert.equal(isOutdated(ended, NOW + REVOCATION_TTL_MS), false);
  assert.equal(isOutdated(ended, NOW + REVOCATION_TTL_MS + 1), true);
});

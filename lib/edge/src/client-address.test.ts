import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { ProxyTrust } from "./client-address.ts";
import { clientKey, peerKey } from "./client-address.ts";
import { readProxyTrust } from "./proxy-config.ts";

function trustOf(setting: string | undefined): ProxyTrust {
  const reader = new EnvReader(setting === undefined ? {} : { TRUST_PROXY: setting });
  const trust = readProxyTrust(reader);
  reader.finish();
  return trust;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** setting, peer, X-Forwarded-For, what limits go by */
const CASES: readonly (readonly [string | undefined, string, string, string])[] = [
  [undefined, "1.2.3.4", "9.9.9.9", "1.2.3.4"],
  ["no", "1.2.3.4", "9.9.9.9", "1.2.3.4"],
  ["0", "1.2.3.4", "9.9.9.9", "1.2.3.4"],
  ["yes", "10.0.0.1", "", "10.0.0.1"],
  ["yes", "10.0.0.1", "5.6.7.8", "5.6.7.8"],
  ["yes", "10.0.0.1", "9.9.9.9, 5.6.7.8", "5.6.7.8"],
  ["1", "10.0.0.1", "9.9.9.9,5.6.7.8", "5.6.7.8"],
  ["2", "10.0.0.1", "9.9.9.9,5.6.7.8,10.0.0.2", "5.6.7.8"],
  ["2", "10.0.0.1", "5.6.7.8", "5.6.7.8"],
  ["16", "10.0.0.1", "9.9.9.9, 5.6.7.8", "9.9.9.9"],
  ["10.0.0.0/8", "10.0.0.1", "9.9.9.9, 5.6.7.8, 10.3.2.1", "5.6.7.8"],
  ["10.0.0.0/8", "11.0.0.1", "9.9.9.9", "11.0.0.1"],
  ["10.0.0.0/8", "::ffff:10.0.0.1", "5.6.7.8", "5.6.7.8"],
  ["10.0.0.0/8", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
  ["10.0.0.0/9", "10.128.0.1", "5.6.7.8", "10.128.0.1"],
  ["10.0.0.1", "10.0.0.1", "5.6.7.8", "5.6.7.8"],
  ["10.0.0.1", "10.0.0.2", "5.6.7.8", "10.0.0.2"],
  ["192.168.0.0/16, fd00::/8", "fd12:3456::1", "5.6.7.8, 192.168.1.1", "5.6.7.8"],
  ["0.0.0.0/0", "9.9.9.9", "2001:db8::1", "2001:db8:0:0::/64"],
  ["::/0", "9.9.9.9", "5.6.7.8", "5.6.7.8"],
  ["2001:db8::/33", "2001:db8:8000::1", "5.6.7.8", "2001:db8:8000:0::/64"],
  // What proxies and attackers write.
  ["yes", "10.0.0.1", "5.6.7.8:4711", "5.6.7.8"],
  ["yes", "10.0.0.1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"],
  ["yes", "10.0.0.1", "[2001:db8:1:2:3::4]", "2001:db8:1:2::/64"],
  ["yes", "10.0.0.1", "fe80::1%eth0", "fe80:0:0:0::/64"],
  ["yes", "10.0.0.1", "unknown", "10.0.0.1"],
  ["yes", "10.0.0.1", "5.6.7.8,", "10.0.0.1"],
  ["yes", "10.0.0.1", "5.6.7.256", "10.0.0.1"],
  ["yes", "10.0.0.1", "1:2", "10.0.0.1"],
  ["yes", "10.0.0.1", "1::2::3", "10.0.0.1"],
  ["yes", "10.0.0.1", "1:2:3:4:5:6:7:8:9", "10.0.0.1"],
  ["yes", "10.0.0.1", "x".repeat(10_000), "10.0.0.1"],
  ["yes", "10.0.0.1", `${"9.9.9.9,".repeat(10_000)}5.6.7.8`, "5.6.7.8"],
  // One address, however it is written.
  ["no", "::ffff:1.2.3.4", "", "1.2.3.4"],
  ["no", "::ffff:102:304", "", "1.2.3.4"],
  ["no", "0000:0000:0000:0000:0000:ffff:0102:0304", "", "1.2.3.4"],
  ["no", "::1", "", "0:0:0:0::/64"],
  ["no", "2001:DB8:1:2:aaaa::1", "", "2001:db8:1:2::/64"],
  ["no", "2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "", "2001:db8:1:2::/64"],
  ["no", "2001:db8:1:3::", "", "2001:db8:1:3::/64"],
  ["no", "", "9.9.9.9", ""],
];

for (const [setting, peer, forwarded, key] of CASES)
  test(`TRUST_PROXY=${setting ?? ""}: ${peer} with "${forwarded.slice(0, 40)}" is ${key}`, () => {
    assert.equal(clientKey(trustOf(setting), peer, forwarded), key);
  });

test("entries left of those of the trusted proxies are ignored", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(
      fc.constantFrom("no", "yes", "2", "10.0.0.0/8"),
      address,
      fc.array(fc.oneof(address, fc.string()), { maxLength: 5 }),
      (setting, client, own) => {
        const trust = trustOf(setting);
        // The proxy in front writes whom it sees, the next one the proxy in front of it.
        const wrote =
          setting === "no" ? [] : setting === "2" || setting.includes("/") ? [client, "10.0.0.2"] : [client];
        const peer = setting === "no" ? client : "10.0.0.1";
        const honest = clientKey(trust, peer, wrote.join(", "));
        if (setting.includes("/") && honest.startsWith("10.")) return; // The client is one of the trusted.
        assert.equal(clientKey(trust, peer, [...own, ...wrote].join(", ")), honest);
      },
    ),
  );
});

for (const bad of [
  "maybe",
  "17",
  "-1",
  "1.5",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "fd00::/129",
  "10.0.0.0/8,",
  "10.0.0.256",
  "true",
])
  test(`TRUST_PROXY=${bad} is refused by name`, () => {
    assert.throws(() => trustOf(bad), /TRUST_PROXY is not/);
  });

for (const [setting, peer, key] of [
  ["no", "::ffff:1.2.3.4", "1.2.3.4"],
  ["no", "2001:db8:1:2::3", "2001:db8:1:2::/64"],
  ["yes", "1.2.3.4", undefined],
  ["10.0.0.0/8", "10.1.1.1", undefined],
  ["10.0.0.0/8", "1.2.3.4", "1.2.3.4"],
] as const)
  test(`TRUST_PROXY=${setting}: connections of ${peer} are counted by ${key ?? "nobody's name"}`, () => {
    assert.equal(peerKey(trustOf(setting), peer), key);
  });

test("an address in bytes has the same key as in text", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((four) => Uint8Array.of(...MAPPED, ...four)),
  );
  fc.assert(
    fc.property(bytes, (address) => {
      const pairs = Array.from({ length: address.length / 2 }, (_, i) => address.slice(2 * i, 2 * i + 2));
      const text =
        address.length === 4
          ? address.join(".")
          : pairs.map((pair) => Buffer.from(pair).toString("hex")).join(":");
      assert.equal(peerKey(trustOf("no"), address.buffer), peerKey(trustOf("no"), text));
      assert.equal(clientKey(trustOf("no"), address.buffer, ""), clientKey(trustOf("no"), text, ""));
    }),
  );
  for (const length of [0, 1, 3, 5, 15, 17])
    assert.equal(peerKey(trustOf("no"), new ArrayBuffer(length)), "");
});

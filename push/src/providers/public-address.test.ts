import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed, isPublic, readRanges } from "./public-address.ts";

const PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0"];
const PUBLIC_V6 = ["2606:4700::1111", "2a00:1450:4001::5", "::ffff:8.8.8.8", "::ffff:808:808"];

const LOCAL: Readonly<Record<string, readonly string[]>> = {
  "this host": ["127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "::1", "::"],
  "private networks": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1"],
  "a carrier's NAT": ["100.64.0.1", "100.127.255.255"],
  "a link": ["169.254.1.1", "fe80::1", "fe80::1%eth0", "febf::1"],
  "metadata of clouds": [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
  ],
  "documentation and tests": [
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "198.18.0.1",
    "198.19.255.255",
    "2001:db8::1",
    "3fff::1",
    "2001:2::1",
  ],
  "many, and none yet": ["224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "ff02::1", "100::1"],
  "IPv4 within IPv6": [
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "::ffff:0:127.0.0.1",
  ],
  "old forms of IPv6": ["fec0::1", "2001:10::1", "5f00::1", "4000::1"],
  "no addresses": ["", "localhost", "256.1.1.1", "1.2.3.4.5", "[::1]", "::g"],
};

test("public addresses are public", () => {
  for (const address of [...PUBLIC, ...PUBLIC_V6]) assert.ok(isPublic(address), address);
});

for (const [what, addresses] of Object.entries(LOCAL))
  test(`not public: ${what}`, () => {
    for (const address of addresses) assert.equal(isPublic(address), false, address);
  });

test("ranges are allowed to their last address, in each form of it, and no further", () => {
  const ranges = readRanges(["10.1.0.0/16", "127.0.0.1", "fd00:1::/32"]);
  const allowed = ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "127.0.0.1", "fd00:1:ffff::1"];
  for (const address of allowed) assert.ok(isAllowed(address, ranges), address);
  const others = ["10.0.255.255", "10.2.0.0", "127.0.0.2", "fd00:2::", "", "name"];
  for (const address of others) assert.equal(isAllowed(address, ranges), false, address);
  assert.equal(isAllowed("10.1.0.1", []), false);
});

test("what is no range is refused by name", () => {
  for (const entry of ["10.0.0.0/33", "10.0.0.0/", "10.0.0/x", "name", "::1/129"])
    assert.throws(() => readRanges(["10.0.0.0/8", entry]), { message: new RegExp(`"${entry}"`) });
});

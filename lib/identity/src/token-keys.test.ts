import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { JSONWebKeySet } from "jose";
import { createLocalJWKSet, exportJWK, generateKeyPair } from "jose";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { HandMadeTokens, NOW, claimsOf } from "./hand-made-tokens.ts";
import { loadKeys } from "./token-keys.ts";
import { Tokens } from "./tokens.ts";

const FETCH_MS = 200;
const clock = new HandClock();
clock.at = NOW;

/** A URL that answers so, until the test is over. */
async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

const doorTo = (url: string): Tokens =>
  new Tokens(
    { keys: url, algorithm: "EdDSA", issuer: "jichat", audience: "jichat" },
    loadKeys(url, { fetchMs: FETCH_MS, cooldownMs: 0 }).keys,
    { refuse: () => undefined },
    clock,
  );

/** A door for EdDSA whose set has this issuer's key too. */
const serveBoth = (other: HandMadeTokens): Tokens => {
  const keys = [...issuer.set.keys, ...other.set.keys.map((key) => ({ ...key, kid: "two" }))];
  const config = { keys: "", algorithm: "EdDSA", issuer: "jichat", audience: "jichat" } as const;
  return new Tokens(config, createLocalJWKSet({ keys }), { refuse: () => undefined }, clock);
};

const says =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

const issuer = await HandMadeTokens.of("EdDSA");
const set = JSON.stringify(issuer.set);
const token = await issuer.sign(JSON.stringify(claimsOf()));

test("keys from a URL check tokens, and a token whose kid a fresh set lacks is not valid", async (t) => {
  let asked = 0;
  const url = await serve(t, (request, response) => {
    asked += 1;
    says(200, set)(request, response);
  });
  const door = doorTo(url);
  assert.equal((await door.verify(token)).user, "ann");
  const stranger = await issuer.sign(JSON.stringify(claimsOf()), "another");
  await assert.rejects(door.verify(stranger), { code: "UNAUTHENTICATED" });
  assert.equal(asked, 2, "it was asked once more for the kid");
});

test("keys that a token contains or links to are not used", async (t) => {
  const asked: string[] = [];
  const elsewhere = await serve(t, (request, response) => {
    asked.push(String(request.url));
    says(200, JSON.stringify(forger.set))(request, response);
  });
  const forger = await HandMadeTokens.of("EdDSA");
  const [jwk] = forger.set.keys;
  for (const [what, header] of Object.entries({
    jwk: { jwk },
    jku: { jku: elsewhere },
    x5u: { x5u: elsewhere },
    x5c: { x5c: ["AAAA"] },
    "a kid that is a path": { kid: "../../keys" },
  })) {
    const forged = await forger.sign(JSON.stringify(claimsOf()), "one", header);
    await assert.rejects(issuer.door(clock).verify(forged), { code: "UNAUTHENTICATED" }, what);
  }
  assert.deepEqual(asked, []);
});

test("a token of another algorithm than the configured one is refused with any key", async () => {
  for (const algorithm of ["ES256", "RS256", "PS256", "ES384"] as const) {
    const other = await HandMadeTokens.of(algorithm);
    const both = serveBoth(other);
    await assert.rejects(both.verify(await other.sign(JSON.stringify(claimsOf()), "two")), {
      code: "UNAUTHENTICATED",
    });
  }
});

const ANSWERS: Readonly<Record<string, RequestListener>> = {
  "an error of the server": says(500, "oops"),
  "that it is busy": says(503, "later", { "retry-after": "1" }),
  "that there is nothing": says(404, "{}"),
  "that nobody may read it": says(401, "{}"),
  "that it is elsewhere": says(302, "", { location: "http://127.0.0.1:1/keys" }),
  "nothing at all, with 204": says(204, ""),
  "a set with another status": says(202, set),
  "a page": says(200, "<html><body>Sign in</body></html>", { "content-type": "text/html" }),
  "no text": says(200, ""),
  "half a set": says(200, set.slice(0, -5)),
  "another object": says(200, "{}"),
  "a list": says(200, "[]"),
  "keys that are none": says(200, '{"keys":"one"}'),
  "members that are none": says(200, '{"keys":[1,null]}'),
  "a key that is cut": says(200, '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"AA"}]}'),
  "more than keys can be": says(200, `{"keys":[],"more":"${"x".repeat(300_000)}"}`),
  "fewer bytes than it says": (_, response) => {
    response.writeHead(200, { "content-length": "1000" }).write(set);
    setTimeout(() => response.destroy(), 20);
  },
  "nothing in time": () => undefined,
  "the rest too late": (_, response) => {
    response.writeHead(200).write(set.slice(0, 10));
  },
  "by hanging up": (request) => {
    request.socket.destroy();
  },
};

for (const [what, answer] of Object.entries(ANSWERS))
  test(`a URL of keys that answers ${what} causes UNAVAILABLE in time`, async (t) => {
    const door = doorTo(await serve(t, answer));
    const began = performance.now();
    await assert.rejects(door.verify(token), { code: "UNAVAILABLE", retryAfterMs: 1_000 });
    assert.ok(performance.now() - began < 10 * FETCH_MS);
  });

test("a URL of keys without a listener causes UNAVAILABLE", async () => {
  await assert.rejects(doorTo("http://127.0.0.1:1/keys").verify(token), { code: "UNAVAILABLE" });
});

test("known keys stay in use while their URL fails, and an unknown kid is UNAVAILABLE until it answers", async (t) => {
  const later = await generateKeyPair("EdDSA");
  let answer = says(200, set);
  const url = await serve(t, (request, response) => {
    answer(request, response);
  });
  const door = doorTo(url);
  await door.verify(token);
  answer = says(503, "later");
  assert.equal((await door.verify(token)).user, "ann");
  const rotated = await issuer.sign(JSON.stringify(claimsOf()), "next");
  await assert.rejects(door.verify(rotated), { code: "UNAVAILABLE" });
  const { keys } = issuer.set;
  const next: JSONWebKeySet = {
    keys: [
      ...keys,
      { ...keys[0], kty: "OKP", kid: "next" },
      { ...(await exportJWK(later.publicKey)), kid: "x" },
    ],
  };
  answer = says(200, JSON.stringify(next));
  assert.equal((await door.verify(rotated)).user, "ann");
});

test("a key that its URL serves no more is refused once the set has been fetched again, and nobody while it fails", async (t) => {
  const cacheMs = 100;
  let answer = says(200, set);
  const url = await serve(t, (request, response) => {
    answer(request, response);
  });
  const door = new Tokens(
    { keys: url, algorithm: "EdDSA", issuer: "jichat", audience: "jichat" },
    loadKeys(url, { fetchMs: FETCH_MS, cooldownMs: 0, cacheMs }).keys,
    { refuse: () => undefined },
    clock,
  );
  await door.verify(token);
  answer = says(503, "later");
  await sleep(2 * cacheMs);
  await assert.rejects(door.verify(token), { code: "UNAVAILABLE" });
  answer = says(200, JSON.stringify((await HandMadeTokens.of("EdDSA")).set).replace('"one"', '"two"'));
  await assert.rejects(door.verify(token), { code: "UNAUTHENTICATED" });
});

test("every key of a changed file checks tokens, and a file that is not a key set leaves the earlier set in use", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-jwks-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "jwks.json");
  const made = await Promise.all(["one", "two", "three", "four"].map(async () => HandMadeTokens.of("EdDSA")));
  const publicKeys = made.map(({ set: { keys } }, at) => ({ ...keys[0], kid: `k${at}` }));
  const tokens = await Promise.all(made.map((one, at) => one.sign(JSON.stringify(claimsOf()), `k${at}`)));
  const setOf = (count: number): string => JSON.stringify({ keys: publicKeys.slice(0, count).reverse() });
  writeFileSync(file, setOf(1));
  const { keys, reread } = loadKeys(file);
  const [files] = reread;
  const config = { keys: file, algorithm: "EdDSA", issuer: "jichat", audience: "jichat" } as const;
  const door = new Tokens(config, keys, { refuse: () => undefined }, clock);
  const holding = async (): Promise<number> => {
    const said = await Promise.allSettled(tokens.map(async (one) => door.verify(one)));
    return said.filter(({ status }) => status === "fulfilled").length;
  };
  assert.equal(await holding(), 1);
  for (const count of [2, 3, 4]) {
    await files?.take([setOf(count)]);
    assert.equal(await holding(), count, "three rotations sign nobody out");
  }
  for (const wrong of ["", "{", "[]", "{}", '{"keys":[]}', '{"keys":7}'])
    assert.throws(() => files?.take([wrong]), wrong);
  assert.equal(await holding(), 4);
});

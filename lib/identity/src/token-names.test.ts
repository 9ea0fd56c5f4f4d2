import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import fc from "fast-check";
import { isCanonical } from "./token-names.ts";
import { HandMadeTokens, NOW, claimsOf } from "./hand-made-tokens.ts";
import { TOKEN_ALGORITHMS } from "./token-config.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const N256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const N384 =
  0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;

const ORDERS: ReadonlyMap<string, bigint> = new Map([
  ["ES256", N256],
  ["ES384", N384],
]);

/** The same (r, s) as (r, n - s): a second signature of the same text, which anybody can make. */
function malleated(token: string, order: bigint): string {
  const [head = "", claims = "", signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const half = bytes.length / 2;
  const s = (order - BigInt(`0x${bytes.subarray(half).toString("hex")}`))
    .toString(16)
    .padStart(2 * half, "0");
  const other = Buffer.concat([bytes.subarray(0, half), Buffer.from(s, "hex")]);
  return `${head}.${claims}.${other.toString("base64url")}`;
}

/** The token in other letters: padding, spaces, plain base64, spare bits, more parts. */
function* spellingsOf(token: string): Generator<string> {
  const parts = token.split(".");
  for (const [place, part] of parts.entries()) {
    const put = (other: string): string => parts.with(place, other).join(".");
    for (const end of ["=", "==", "===", "\n", " ", "\t", "\r\n", "\0", "%", ".", "A", "AA"])
      yield put(part + end);
    yield put(` ${part}`);
    yield put(`${part.slice(0, 5)}\n${part.slice(5)}`);
    if (/[-_]/.test(part)) yield put(part.replaceAll("-", "+").replaceAll("_", "/"));
    for (const letter of ALPHABET) if (!part.endsWith(letter)) yield put(part.slice(0, -1) + letter);
  }
  yield `${token}.${parts[2] ?? ""}`;
  yield `Bearer ${token}`;
}

/** A list like the one in KV: what it names is refused. */
function listed(): {
  readonly names: Set<string>;
  refuse(of: { tokenId: string; olderIds?: readonly string[] }): void;
} {
  const names = new Set<string>();
  return {
    names,
    refuse: ({ tokenId, olderIds = [] }) => {
      if ([tokenId, ...olderIds].some((name) => names.has(name)))
        throw new ChatError("UNAUTHENTICATED", "this token was revoked");
    },
  };
}

for (const algorithm of TOKEN_ALGORITHMS)
  for (const jti of [undefined, "j1"])
    test(`${algorithm}, ${jti === undefined ? "without" : "with"} jti: a revoked token stays revoked in any spelling`, async () => {
      const clock = new HandClock();
      clock.at = NOW;
      const issuer = await HandMadeTokens.of(algorithm);
      const list = listed();
      const door = issuer.door(clock, (identity) => {
        list.refuse(identity);
      });
      const token = await issuer.sign(JSON.stringify(claimsOf({ jti })));
      const order = ORDERS.get(algorithm);
      const twins = order === undefined ? [token] : [token, malleated(token, order)];
      for (const spelling of spellingsOf(token))
        await assert.rejects(door.verify(spelling), { code: "UNAUTHENTICATED" }, spelling.slice(-20));

      const { tokenId } = await door.verify(token);
      for (const twin of twins) assert.equal((await door.verify(twin)).tokenId, tokenId);
      list.names.add(tokenId);
      for (const twin of twins) await assert.rejects(door.verify(twin), { code: "UNAUTHENTICATED" });

      // As today's version revoked it: by its jti, or by its whole text.
      for (const revoked of twins) {
        list.names.clear();
        list.names.add(hash("sha256", jti ?? revoked, "base64url").slice(0, 26));
        for (const twin of twins) await assert.rejects(door.verify(twin), { code: "UNAUTHENTICATED" });
      }
    });

test("a part is canonical exactly if base64url encodes its bytes to the same text", () => {
  const letter = fc.constantFrom(...ALPHABET.split(""), "=", "+", "/", " ", "\n", "é");
  const mostly = fc.oneof(
    { weight: 50, arbitrary: fc.constantFrom(...ALPHABET.split("")) },
    { weight: 1, arbitrary: letter },
  );
  fc.assert(
    fc.property(fc.array(mostly, { maxLength: 12 }), (letters) => {
      const part = letters.join("");
      const isSo = part !== "" && Buffer.from(part, "base64url").toString("base64url") === part;
      for (const token of [`${part}.e30.AA`, `e30.${part}.AA`, `e30.AA.${part}`])
        assert.equal(isCanonical(token), isSo, JSON.stringify(token));
    }),
    { numRuns: 5_000 },
  );
});

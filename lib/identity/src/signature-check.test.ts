import assert from "node:assert/strict";
import { KeyObject, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { compactVerify, errors } from "jose";
import { HandMadeTokens, claimsOf } from "./hand-made-tokens.ts";
import { SignatureCheck } from "./signature-check.ts";
import { TOKEN_ALGORITHMS } from "./token-config.ts";

const CHANGES = 300;

/** The token with some of its bytes changed, removed or added, in one of its parts. */
function changed(token: string, dice: Dice): string {
  const parts = token.split(".");
  const place = dice.int(0, parts.length - 1);
  const bytes = Buffer.from(parts[place] ?? "", "base64url");
  const at = dice.int(0, bytes.length);
  const other = Buffer.from([dice.int(0, 255)]);
  const removed = dice.int(0, 2);
  const added = dice.int(0, 1) === 0 ? Buffer.alloc(0) : other;
  const made = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
  return parts.with(place, made.toString("base64url")).join(".");
}

for (const algorithm of TOKEN_ALGORITHMS)
  test(`${algorithm}: what jose accepts is accepted, and what it refuses is refused, with every change of a token`, async () => {
    const issuer = await HandMadeTokens.of(algorithm);
    const check = new SignatureCheck(algorithm, issuer.keys);
    const dice = new Dice(7);
    const token = await issuer.sign(JSON.stringify(claimsOf()));
    const outcomes = { accepted: 0, refused: 0 };
    for (let i = 0; i < CHANGES; i += 1) {
      const tried = i === 0 ? token : changed(token, dice);
      const wanted = await compactVerify(tried, issuer.keys, { algorithms: [algorithm] }).then(
        ({ payload }) => Buffer.from(payload).toString(),
        () => undefined,
      );
      if (wanted === undefined) {
        await assert.rejects(
          check.payloadOf(tried),
          (error) => error instanceof ChatError || error instanceof errors.JOSEError,
        );
        outcomes.refused += 1;
      } else {
        assert.equal(Buffer.from(await check.payloadOf(tried)).toString(), wanted);
        outcomes.accepted += 1;
      }
    }
    assert.ok(outcomes.accepted > 0 && outcomes.refused > CHANGES / 2, JSON.stringify(outcomes));
  });

test("a header that is not ours is refused by what is wrong with it", async () => {
  const issuer = await HandMadeTokens.of("EdDSA");
  const check = new SignatureCheck("EdDSA", issuer.keys);
  const [, payload = "", signature = ""] = (await issuer.sign("{}")).split(".");
  const rest = `${payload}.${signature}`;
  for (const [header, why] of [
    ["", "is not JSON"],
    ["{", "is not JSON"],
    ["null", "is not an object"],
    ["[]", "is not an object"],
    ["7", "is not an object"],
    ["{}", "`alg` is not EdDSA"],
    ['{"alg":"none"}', "`alg` is not EdDSA"],
    ['{"alg":["EdDSA"]}', "`alg` is not EdDSA"],
    ['{"__proto__":{"alg":"EdDSA"}}', "`alg` is not EdDSA"],
    ['{"alg":"EdDSA","crit":[]}', "has `crit`"],
    ['{"alg":"EdDSA","kid":7}', "`kid` is not text"],
  ] as const)
    await assert.rejects(
      check.payloadOf(`${Buffer.from(header).toString("base64url")}.${rest}`),
      (error) =>
        error instanceof ChatError && error.code === "UNAUTHENTICATED" && error.message.includes(why),
      header,
    );
});

test("an RSA key of less than 2,048 bits is refused", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  const key = publicKey.toCryptoKey({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, true, ["verify"]);
  const check = new SignatureCheck("RS256", async () => key);
  const text = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.e30`;
  const signature = sign(
    "sha256",
    Buffer.from(text),
    KeyObject.from(privateKey.toCryptoKey({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, true, ["sign"])),
  );
  await assert.rejects(check.payloadOf(`${text}.${signature.toString("base64url")}`), {
    code: "UNAUTHENTICATED",
    message: /1024 bits/,
  });
});

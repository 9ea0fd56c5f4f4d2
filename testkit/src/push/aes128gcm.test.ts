import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { test } from "node:test";
import { decryptPush } from "./aes128gcm.ts";

/** The example of RFC 8291, section 5. */
const RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const AUTH = "BTBZMqHH6r4Tts7J_aSIgg";
const BODY =
  "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

const receiver = createECDH("prime256v1");
receiver.setPrivateKey(RECEIVER, "base64url");
const auth = Buffer.from(AUTH, "base64url");

test("the example of RFC 8291 is decrypted", () => {
  const text = decryptPush(Buffer.from(BODY, "base64url"), receiver, auth).toString();
  assert.equal(text, "When I grow up, I want to be a watermelon");
});

test("a body that was changed or cut is refused, and so are other keys", () => {
  const body = Buffer.from(BODY, "base64url");
  for (const at of [0, 30, 90, body.length - 1]) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => decryptPush(changed, receiver, auth), `byte ${at}`);
  }
  for (const length of [0, 20, 86, body.length - 1])
    assert.throws(() => decryptPush(body.subarray(0, length), receiver, auth), `${length} bytes`);
  assert.throws(() => decryptPush(body, receiver, Buffer.alloc(16)));
  const other = createECDH("prime256v1");
  other.generateKeys();
  assert.throws(() => decryptPush(body, other, auth));
});

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { PUSH, clusterOf } from "../test/input.ts";
import type { KubeApi } from "./kube/api.ts";
import { KubeError } from "./kube/errors.ts";
import { SpecError } from "./named-objects.ts";
import { pushContentOf } from "./push-content.ts";

const pem = (curve: string): string =>
  generateKeyPairSync("ec", { namedCurve: curve })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const APPLE = pem("prime256v1");
const RSA = generateKeyPairSync("rsa", { modulusLength: 2_048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const GOOGLE = JSON.stringify({ type: "service_account", project_id: "p", client_email: "a@p.example", private_key: RSA });
const hook = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString("base64")}`;
const WORDS = { "de.json": "{}" };

type Content = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
const GOOD: Content = {
  google: { "service-account.json": GOOGLE },
  apple: { "key.p8": APPLE },
  hook: { secret: `${hook(24)}\n${hook(64)}\n` },
  words: WORDS,
};

/** The API server with these Secrets and this ConfigMap. */
const apiWith = (content: Content): Pick<KubeApi, "get"> => ({
  get: async (resource: { readonly kind: string }, _: unknown, name: string) => {
    const found = content[name];
    if (found === undefined) throw new KubeError(404, "NotFound", "not found");
    const encode = (text: string): string =>
      resource.kind === "Secret" ? Buffer.from(text).toString("base64") : text;
    return {
      data: Object.fromEntries(Object.entries(found).map(([key, text]) => [key, encode(text)])),
    } as never;
  },
});

const read = async (content: Content, push: object = {}) =>
  pushContentOf(apiWith({ ...GOOD, ...content }), clusterOf({ push: { ...PUSH, ...push } }));

const refusal = async (content: Content, push: object = {}): Promise<readonly [string, string]> => {
  try {
    await read(content, push);
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    for (const secret of [APPLE.split("\n")[1] ?? "", hook(24)])
      assert.ok(!error.message.includes(secret), "nothing secret in it");
    return [error.reason, error.message];
  }
  return assert.fail("it was taken");
};

test("the credentials of all providers are read by the names and keys of the spec", async () => {
  assert.deepEqual(await read({}), { fcm: GOOGLE, apns: APPLE, webhook: [hook(24), hook(64)], templates: WORDS });
  const key = "AuthKey_ABCDE12345.p8";
  const apns = { ...PUSH.apns, secretRef: { name: "apple", key } };
  assert.equal((await read({ apple: { [key]: APPLE } }, { apns }))?.apns, APPLE);
  assert.equal(await pushContentOf(apiWith({}), clusterOf()), undefined);
  assert.deepEqual(await pushContentOf(apiWith({}), clusterOf({ push: { webPush: PUSH.webPush } })), {});
});

test("a Secret, a key or a ConfigMap that is missing is named, with the field that names it", async () => {
  const [missing, where] = await refusal({ google: undefined });
  assert.equal(missing, "SecretMissing");
  assert.match(where, /^spec\.push\.fcm\.secretRef names Secret google, which is not in namespace people/);
  const [incomplete, which] = await refusal({ apple: { "AuthKey.p8": APPLE } });
  assert.equal(incomplete, "SecretIncomplete");
  assert.match(which, /^spec\.push\.apns\.secretRef: Secret apple has no key `key\.p8`; it has AuthKey\.p8/);
  const [words, map] = await refusal({ words: undefined });
  assert.equal(words, "ConfigMapMissing");
  assert.match(map, /^spec\.push\.templates\.configMapRef names ConfigMap words/);
});

test("content that no provider could use is refused, and the message says what it should be", async () => {
  const account = { type: "service_account", project_id: "p", client_email: "a" };
  const file = (more: object) => ({
    google: { "service-account.json": JSON.stringify({ ...account, ...more }) },
  });
  const cases: readonly (readonly [Content, RegExp])[] = [
    [{ google: { "service-account.json": APPLE } }, /is not JSON: put Google's file there as it is/],
    [{ google: { "service-account.json": "null" } }, /it has no project_id, client_email, private_key/],
    [file({}), /is not the key file of a service account: it has no private_key/],
    [file({ private_key: "x" }), /`private_key` that is no RSA key/],
    [file({ type: "user", private_key: RSA }), /it has no `type` "service_account"/],
    [file({ private_key: APPLE }), /`private_key` that is no RSA key/],
    [{ apple: { "key.p8": "key" } }, /is not a signing key of Apple's: a private key of P-256/],
    [{ apple: { "key.p8": pem("secp384r1") } }, /is not a signing key of Apple's/],
    [{ hook: { secret: "\n" } }, /is empty: it holds secrets, one a line/],
    [{ hook: { secret: `${hook(24)}\n${hook(23)}` } }, /line 2 is not `whsec_` and base64 of 24 to 64 bytes/],
    [{ hook: { secret: hook(65) } }, /line 1 is not/],
    [{ hook: { secret: hook(32).slice("whsec_".length) } }, /line 1 is not/],
    [{ hook: { secret: Array.from({ length: 5 }, () => hook(32)).join("\n") } }, /has 5 lines: at most 4/],
  ];
  for (const [content, says] of cases) {
    const [reason, message] = await refusal(content);
    assert.equal(reason, "SecretIncomplete");
    assert.match(message, says);
  }
});

test("templates are JSON files named by a language, and addresses are numbers that exist", async () => {
  const [reason, message] = await refusal({ words: { "german.txt": "{}" } });
  assert.deepEqual([reason, /`german\.txt`.*`pt-BR\.json`/.test(message)], ["ConfigMapInvalid", true]);
  const [broken, why] = await refusal({ words: { "pt-BR.json": "{" } });
  assert.deepEqual(
    [broken, /`pt-BR\.json` of ConfigMap words is not JSON/.test(why)],
    ["ConfigMapInvalid", true],
  );
  for (const cidr of ["10.0.0.0/33", "300.0.0.0/8", "fd00::/129", "::::/8"]) {
    const [invalid, named] = await refusal({}, { allowedAddresses: [cidr] });
    assert.equal(invalid, "AddressInvalid");
    assert.ok(named.startsWith(`spec.push.allowedAddresses: ${cidr} is not`), named);
  }
});

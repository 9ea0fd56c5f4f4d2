import type { VerifyKeyObjectInput } from "node:crypto";
import { KeyObject, constants, verify } from "node:crypto";
import type { CryptoKey, JWTVerifyGetKey } from "jose";
import { ChatError } from "@jichat/protocol/errors.ts";
import { parseJson } from "@jichat/protocol/frame/parse-json.ts";
import type { TokenAlgorithm } from "./token-config.ts";

/** How node:crypto checks a signature: the hash of the text, and the form of the signature. */
interface Scheme {
  readonly hash: string | null;
  readonly form: Omit<VerifyKeyObjectInput, "key">;
}

/** RFC 7518, 3.3 to 3.5, and RFC 8037, 3.1. The salt of PS256 is as long as its hash. */
const SCHEMES: Readonly<Record<TokenAlgorithm, Scheme>> = {
  EdDSA: { hash: null, form: {} },
  ES256: { hash: "sha256", form: { dsaEncoding: "ieee-p1363" } },
  ES384: { hash: "sha384", form: { dsaEncoding: "ieee-p1363" } },
  RS256: { hash: "sha256", form: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { hash: "sha256", form: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
};
/** RFC 7518, 3.3 and 3.5. */
const RSA_BITS_MIN = 2_048;

const refused = (why: string): ChatError =>
  new ChatError("UNAUTHENTICATED", `the token is not valid: ${why}`);

/**
 * Checks the signatures of compact JWS (RFC 7515) that are signed with one algorithm. The keys come from
 * jose, which also knows JWKS. node:crypto checks the signature, on this thread. WebCrypto, and so jose's
 * `compactVerify`, hands each token to another thread, which costs more CPU than the thread saves.
 */
export class SignatureCheck {
  readonly #algorithm: TokenAlgorithm;
  readonly #keys: JWTVerifyGetKey;
  readonly #keyObjects = new WeakMap<CryptoKey, KeyObject>();

  constructor(algorithm: TokenAlgorithm, keys: JWTVerifyGetKey) {
    this.#algorithm = algorithm;
    this.#keys = keys;
  }

  /**
   * Returns the payload of a token of three canonical parts. Throws UNAUTHENTICATED if the header, the
   * algorithm or the signature is not right, and what the keys throw.
   */
  async payloadOf(token: string): Promise<Uint8Array> {
    const end = token.lastIndexOf(".");
    const [header = "", payload = ""] = token.slice(0, end).split(".");
    const signature = token.slice(end + 1);
    const { alg, kid, crit } = headerOf(header);
    const algorithm = this.#algorithm;
    if (alg !== algorithm) throw refused(`its header's \`alg\` is not ${algorithm}`);
    if (crit !== undefined)
      throw refused("its header has `crit`, and this server supports no critical extension");
    if (kid !== undefined && typeof kid !== "string") throw refused("its header's `kid` is not text");
    const named = { alg: algorithm, ...(kid === undefined ? {} : { kid }) };
    const key = this.#keyObject(await this.#keys(named, { payload, protected: header, signature }));
    const { hash, form } = SCHEMES[algorithm];
    if (
      !verify(hash, Buffer.from(token.slice(0, end)), { key, ...form }, Buffer.from(signature, "base64url"))
    )
      throw refused("the signature is not one of its key");
    return Buffer.from(payload, "base64url");
  }

  #keyObject(key: Awaited<ReturnType<JWTVerifyGetKey>>): KeyObject {
    if (!(key instanceof CryptoKey)) throw new Error("the key is not a CryptoKey");
    const known = this.#keyObjects.get(key);
    if (known !== undefined) return known;
    const made = KeyObject.from(key);
    const bits = made.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < RSA_BITS_MIN)
      throw refused(`its key has ${bits} bits, and ${RSA_BITS_MIN} are needed`);
    this.#keyObjects.set(key, made);
    return made;
  }
}

/** Own properties of the header alone. */
function headerOf(text: string): { readonly alg?: unknown; readonly kid?: unknown; readonly crit?: unknown } {
  let value: unknown;
  try {
    value = parseJson(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    throw refused("its header is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused("its header is not an object");
  return { ...value };
}

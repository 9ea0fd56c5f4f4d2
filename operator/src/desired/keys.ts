import { generateKeyPairSync, hash, randomBytes } from "node:crypto";
import type { Backend, Component } from "./names.ts";

/** Who has a password of its own at which backend; `operator` is us. */
export const USERS: Readonly<Record<Backend, readonly User[]>> = {
  nats: ["connector", "router", "storage", "api", "operator"],
  redis: ["connector", "router", "api", "operator"],
  clickhouse: ["storage", "migrate"],
};
export type User = Component | "operator" | "migrate";

/** What is made once for a ChatCluster and kept; all of it secret but the public keys. */
export interface Keys {
  /** What the last rotation was asked for with. */
  readonly rotation: string;
  /**
   * Counts rotations; part of a user's name, so that old and new credentials both hold while pods are rolled.
   */
  readonly generation: number;
  readonly clusterKey: string;
  readonly signingKey: JsonWebKey;
  /** The current key, then the one before. */
  readonly publicKeys: readonly JsonWebKey[];
  /** By `backend/user`, of this generation and of the one before. */
  readonly passwords: Readonly<Record<string, string>>;
  readonly passwordsBefore: Readonly<Record<string, string>>;
}

type JsonWebKey = Readonly<Record<string, string>>;

const password = (): string => randomBytes(24).toString("base64url");

function signingKeys(): { signingKey: JsonWebKey; publicKey: JsonWebKey } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const {
    kty = "",
    crv = "",
    x = "",
    d = "",
  } = privateKey.export({ format: "jwk" }) as Record<string, string>;
  const kid = hash("sha256", x, "hex").slice(0, 16);
  const publicKey = { kty, crv, x, kid, alg: "EdDSA", use: "sig" };
  return { signingKey: { ...publicKey, d }, publicKey };
}

/**
 * Keys for a ChatCluster that has none, or the next ones when `rotation` differs from what it was. Tokens
 * signed with the key before stay valid for as long as they live; tickets do not, and devices then show their
 * token.
 */
export function keysFor(before: Keys | undefined, rotation: string): Keys {
  if (before !== undefined && before.rotation === rotation) return before;
  const { signingKey, publicKey } = signingKeys();
  const passwords = Object.fromEntries(
    Object.entries(USERS).flatMap(([backend, users]) =>
      users.map((user) => [`${backend}/${user}`, password()]),
    ),
  );
  return {
    rotation,
    generation: (before?.generation ?? 0) + 1,
    clusterKey: randomBytes(32).toString("base64url"),
    signingKey,
    publicKeys: [publicKey, ...(before?.publicKeys.slice(0, 1) ?? [])],
    passwords,
    passwordsBefore: before?.passwords ?? {},
  };
}

export interface Credential {
  readonly user: string;
  readonly password: string;
}

/** The name that `user` has at a backend in a generation, and its password. */
export function credentialOf(keys: Keys, backend: Backend, user: User): Credential {
  return { user: `${user}-${keys.generation}`, password: keys.passwords[`${backend}/${user}`] ?? "" };
}

/**
 * Every credential that a backend takes now: this generation's and, while pods are rolled, the one before.
 */
export function credentialsOf(keys: Keys, backend: Backend): readonly (Credential & { readonly as: User })[] {
  return USERS[backend].flatMap((as) => {
    const key = `${backend}/${as}`;
    const old = keys.passwordsBefore[key];
    return [
      { as, ...credentialOf(keys, backend, as) },
      ...(old === undefined ? [] : [{ as, user: `${as}-${keys.generation - 1}`, password: old }]),
    ];
  });
}

export const encodeKeys = (keys: Keys): string => Buffer.from(JSON.stringify(keys)).toString("base64");

/** What stands in the Secret; undefined where there is none, an error where somebody broke it. */
export function decodeKeys(text: string | undefined): Keys | undefined {
  if (text === undefined) return undefined;
  const value = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Partial<Keys>;
  if (
    typeof value.clusterKey !== "string" ||
    typeof value.generation !== "number" ||
    value.passwords === undefined
  )
    throw new Error("the Secret of generated keys is not as it was made: delete it to have new ones made");
  return value as Keys;
}

import { createHmac, generateKeyPairSync, hash, randomBytes } from "node:crypto";
import type { Backend, Component } from "./names.ts";

/**
 * The users that have a password at each backend. `operator` is the operator itself. Backends accept `push`
 * only where a ChatCluster has that component: see `usersIn`.
 */
export const USERS: Readonly<Record<Backend, readonly User[]>> = {
  nats: ["connector", "router", "storage", "api", "push", "operator"],
  redis: ["connector", "router", "api", "push", "operator"],
  clickhouse: ["storage", "migrate"],
};
/**
 * `system` is also the operator: its user in the NATS system account, where servers are told to reload their
 * users.
 */
export type User = Component | "operator" | "migrate" | "system";

/** The keys and passwords that one rotation makes. All of them are secret. */
export interface Generation {
  /** The value of the annotation that asked for it. */
  readonly rotation: string;
  /**
   * Part of each user's name at the backends, so that credentials of several generations are valid at once.
   */
  readonly generation: number;
  readonly clusterKey: string;
  readonly signingKey: JsonWebKey;
  /** Keyed by `backend/user`. */
  readonly passwords: Readonly<Record<string, string>>;
}

/**
 * The order in which the pods of components are replaced. Replacing all at once would take the CPU from
 * active users.
 */
export const ORDER = ["storage", "router", "push", "api", "connector"] as const;

/** A generation that is being rolled out. Nothing is signed with it yet. */
export interface Coming extends Generation {
  /**
   * `offered`: backends and verifiers accept it. Otherwise the latest component whose pods are being replaced
   * with it.
   */
  readonly stage: "offered" | (typeof ORDER)[number];
}

/**
 * A key that signs no more, and until when something that it signed may still be valid. Milliseconds since
 * 1970.
 */
export interface Earlier<T> {
  readonly key: T;
  readonly replacedAt: number;
  readonly until: number;
}

/** The longest lives of a generation's tokens and tickets, in milliseconds. */
export interface Lives {
  readonly tokenMs: number;
  readonly ticketMs: number;
}

/** The keys of a ChatCluster: made once, and kept. All of them are secret. */
export interface Keys extends Generation {
  /**
   * Constant over all rotations. It differs if the keys were made anew because there were none. Servers that
   * know none of the present users must then restart.
   */
  readonly origin: string;
  readonly coming?: Coming;
  /**
   * Passwords of the generation before that pods may still use. An older operator, which did not track this,
   * left them.
   */
  readonly leaving?: Pick<Generation, "generation" | "passwords">;
  /**
   * The longest lives of what this generation has signed so far. Shortening a life does not shorten the ones
   * already given.
   */
  readonly lives: Lives;
  /** Earlier public keys, newest first. */
  readonly earlierTokenKeys: readonly Earlier<JsonWebKey>[];
  /** Earlier cluster keys, newest first. */
  readonly earlierClusterKeys: readonly Earlier<string>[];
  /**
   * Absent until Web Push was wanted once. No rotation changes them: browsers have subscribed with the public
   * key, and would have to subscribe anew.
   */
  readonly vapid?: VapidKeys;
}

/** The key pair by which push services of browsers know this cluster (RFC 8292), base64url. */
export interface VapidKeys {
  /** An uncompressed point of P-256: 65 bytes. */
  readonly publicKey: string;
  readonly privateKey: string;
}

export type JsonWebKey = Readonly<Record<string, string>>;

const passwordKeys = (): readonly string[] => [
  ...Object.entries(USERS).flatMap(([backend, users]) => users.map((user) => `${backend}/${user}`)),
  "nats/system",
];

/** Adds the passwords that a generation of an older operator lacks. The result is the same at every look. */
function completed<T extends Generation>(generation: T): T {
  const lacking = passwordKeys().filter((key) => generation.passwords[key] === undefined);
  if (lacking.length === 0) return generation;
  const derived = lacking.map((key) => [
    key,
    createHmac("sha256", generation.clusterKey).update(`password ${key}`).digest("base64url").slice(0, 32),
  ]);
  return { ...generation, passwords: { ...generation.passwords, ...Object.fromEntries(derived) } };
}

/** Makes random keys and passwords: a different generation at each call. */
export function newGeneration(rotation: string, generation: number): Generation {
  const { privateKey } = generateKeyPairSync("ed25519");
  const {
    kty = "",
    crv = "",
    x = "",
    d = "",
  } = privateKey.export({ format: "jwk" }) as Record<string, string>;
  const kid = hash("sha256", x, "hex").slice(0, 16);
  return {
    rotation,
    generation,
    clusterKey: randomBytes(32).toString("base64url"),
    signingKey: { kty, crv, x, kid, alg: "EdDSA", use: "sig", d },
    passwords: Object.fromEntries(passwordKeys().map((key) => [key, randomBytes(24).toString("base64url")])),
  };
}

/** Makes a random key pair: a different one at each call. */
export function newVapidKeys(): VapidKeys {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" }) as Record<string, string>;
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return { publicKey: point.toString("base64url"), privateKey: d };
}

/** The keys of a ChatCluster whose first generation is this one. */
export const keysOf = (generation: Generation, lives: Lives): Keys => ({
  ...generation,
  origin: hash("sha256", `origin ${generation.clusterKey}`, "hex").slice(0, 16),
  lives,
  earlierTokenKeys: [],
  earlierClusterKeys: [],
});

/** The public part of a signing key, by which tokens are verified. */
export function publicOf(key: JsonWebKey): JsonWebKey {
  const { d: _, ...publicKey } = key;
  return publicKey;
}

/**
 * The generation that `user` connects with, and with which its pods are made. A user without pods switches
 * first.
 */
export function usedBy(keys: Keys, user: User): Generation {
  const { coming } = keys;
  if (coming === undefined || coming.stage === "offered") return keys;
  const order: readonly string[] = ORDER;
  return order.indexOf(user) <= order.indexOf(coming.stage) ? coming : keys;
}

/**
 * All keys that verify tokens: the present signing key, the next one, and earlier ones whose tokens may still
 * be valid.
 */
export const tokenKeysOf = (keys: Keys): readonly JsonWebKey[] => [
  publicOf(keys.signingKey),
  ...(keys.coming === undefined ? [] : [publicOf(keys.coming.signingKey)]),
  ...keys.earlierTokenKeys.map(({ key }) => key),
];

/** The first key signs tickets; all of them verify. */
export const clusterKeysOf = (keys: Keys): readonly string[] => [
  keys.clusterKey,
  ...(keys.coming === undefined ? [] : [keys.coming.clusterKey]),
  ...keys.earlierClusterKeys.map(({ key }) => key),
];

export interface Credential {
  readonly user: string;
  readonly password: string;
}

type Passwords = Pick<Generation, "generation" | "passwords">;

const ofGeneration = ({ generation, passwords }: Passwords, backend: Backend, user: User): Credential => ({
  user: `${user}-${generation}`,
  password: passwords[`${backend}/${user}`] ?? "",
});

/** The present name and password of `user` at a backend. */
export const credentialOf = (keys: Keys, backend: Backend, user: User): Credential =>
  ofGeneration(usedBy(keys, user), backend, user);

/**
 * Every credential of `users` that a backend accepts: the present ones, and those being rolled out. Earlier ones are
 * removed once the last pod that uses them is gone. At that moment, the generation being rolled out becomes
 * the present one.
 */
export function credentialsOf(
  keys: Keys,
  backend: Backend,
  users: readonly User[],
): readonly (Credential & { readonly as: User })[] {
  const generations = [keys, keys.coming, keys.leaving].filter((one) => one !== undefined);
  return users.flatMap((as) =>
    generations
      .filter(({ passwords }) => passwords[`${backend}/${as}`] !== undefined)
      .map((one) => ({ as, ...ofGeneration(one, backend, as) })),
  );
}

/**
 * Encodes the keys so that an older operator can read them too. That operator knows only one earlier
 * generation, and keeps fields that it does not know.
 */
export const encodeKeys = (keys: Keys): string => {
  const publicKeys = tokenKeysOf(keys).slice(0, 2);
  const passwordsBefore = keys.leaving?.passwords ?? {};
  return Buffer.from(JSON.stringify({ ...keys, publicKeys, passwordsBefore })).toString("base64");
};

interface Stored extends Keys {
  readonly publicKeys?: readonly JsonWebKey[];
  readonly passwordsBefore?: Readonly<Record<string, string>>;
}

/**
 * The keys in the Secret; undefined if there are none. Throws if the content is broken. If an older operator
 * wrote the Secret, its earlier generation is kept as if it had been replaced just now.
 */
export function decodeKeys(text: string | undefined, lives: Lives, now: number): Keys | undefined {
  if (text === undefined) return undefined;
  const value = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Partial<Stored>;
  if (
    typeof value.clusterKey !== "string" ||
    typeof value.generation !== "number" ||
    value.signingKey === undefined ||
    value.passwords === undefined
  )
    throw new Error("the Secret of generated keys is broken: delete it, and the operator makes new keys");
  const { rotation = "", generation, clusterKey, signingKey, passwords, coming } = value;
  const { publicKeys = [], passwordsBefore = {} } = value;
  const isInherited = value.earlierTokenKeys === undefined && Object.keys(passwordsBefore).length > 0;
  const leaving = isInherited ? { generation: generation - 1, passwords: passwordsBefore } : value.leaving;
  const current = completed({ rotation, generation, clusterKey, signingKey, passwords });
  const until = now + lives.tokenMs;
  const inherited = publicKeys
    .filter(({ kid }) => kid !== signingKey["kid"])
    .map((key) => ({ key, replacedAt: now, until }));
  return {
    ...current,
    origin: value.origin ?? "",
    ...(coming === undefined ? {} : { coming: completed(coming) }),
    ...(leaving === undefined ? {} : { leaving }),
    lives: value.lives ?? lives,
    earlierTokenKeys: value.earlierTokenKeys ?? inherited,
    earlierClusterKeys: value.earlierClusterKeys ?? [],
    ...(value.vapid === undefined ? {} : { vapid: value.vapid }),
  };
}

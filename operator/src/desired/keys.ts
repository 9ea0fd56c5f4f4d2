import { createHmac, generateKeyPairSync, hash, randomBytes } from "node:crypto";
import type { Backend, Component } from "./names.ts";

/** Who has a password of its own at which backend; `operator` is us. */
export const USERS: Readonly<Record<Backend, readonly User[]>> = {
  nats: ["connector", "router", "storage", "api", "operator"],
  redis: ["connector", "router", "api", "operator"],
  clickhouse: ["storage", "migrate"],
};
/** `system` is us too: in the account of NATS in which servers are told to read their users anew. */
export type User = Component | "operator" | "migrate" | "system";

/** What a rotation makes, all of it secret. */
export interface Generation {
  /** What it was asked for with. */
  readonly rotation: string;
  /** Part of a user's name at backends, so that credentials of several hold at a time. */
  readonly generation: number;
  readonly clusterKey: string;
  readonly signingKey: JsonWebKey;
  /** By `backend/user`. */
  readonly passwords: Readonly<Record<string, string>>;
}

/** Whose pods are replaced one after the other: all at once would take the cores from those who talk. */
export const ORDER = ["storage", "router", "api", "connector"] as const;

/** A generation on its way: nothing is signed with it yet. */
export interface Coming extends Generation {
  /** `offered`: backends and checkers are told of it. Else who, as the last so far, is made anew with it. */
  readonly stage: "offered" | (typeof ORDER)[number];
}

/** A key that signs no more, and until when something that it signed may live. Milliseconds since 1970. */
export interface Earlier<T> {
  readonly key: T;
  readonly replacedAt: number;
  readonly until: number;
}

/** The longest that tokens and tickets of a generation live, in milliseconds. */
export interface Lives {
  readonly tokenMs: number;
  readonly ticketMs: number;
}

/** What is made once for a ChatCluster and kept; all of it secret. */
export interface Keys extends Generation {
  /**
   * Stays through all rotations; of keys that were made where there were none it is another. Servers that
   * know nobody of them have to start anew.
   */
  readonly origin: string;
  readonly coming?: Coming;
  /** Passwords of before that pods may still use: those of an operator that did not see to it. */
  readonly leaving?: Pick<Generation, "generation" | "passwords">;
  /** Of what this generation has signed so far: a life that is shortened shortens none that was given. */
  readonly lives: Lives;
  /** Public keys of before, the newest first. */
  readonly earlierTokenKeys: readonly Earlier<JsonWebKey>[];
  /** Cluster keys of before, the newest first. */
  readonly earlierClusterKeys: readonly Earlier<string>[];
}

export type JsonWebKey = Readonly<Record<string, string>>;

const passwordKeys = (): readonly string[] => [
  ...Object.entries(USERS).flatMap(([backend, users]) => users.map((user) => `${backend}/${user}`)),
  "nats/system",
];

/** What a generation that an operator before this one made lacks: the same at every look. */
function completed<T extends Generation>(generation: T): T {
  const lacking = passwordKeys().filter((key) => generation.passwords[key] === undefined);
  if (lacking.length === 0) return generation;
  const derived = lacking.map((key) => [
    key,
    createHmac("sha256", generation.clusterKey).update(`password ${key}`).digest("base64url").slice(0, 32),
  ]);
  return { ...generation, passwords: { ...generation.passwords, ...Object.fromEntries(derived) } };
}

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

export const keysOf = (generation: Generation, lives: Lives): Keys => ({
  ...generation,
  origin: hash("sha256", `origin ${generation.clusterKey}`, "hex").slice(0, 16),
  lives,
  earlierTokenKeys: [],
  earlierClusterKeys: [],
});

export function publicOf(key: JsonWebKey): JsonWebKey {
  const { d: _, ...publicKey } = key;
  return publicKey;
}

/** What `user` connects with, and is made with if it has pods; whoever has none goes first. */
export function usedBy(keys: Keys, user: User): Generation {
  const { coming } = keys;
  if (coming === undefined || coming.stage === "offered") return keys;
  const order: readonly string[] = ORDER;
  return order.indexOf(user) <= order.indexOf(coming.stage) ? coming : keys;
}

/** All that check tokens: of whatever signs now, may sign next, or has signed what may live. */
export const tokenKeysOf = (keys: Keys): readonly JsonWebKey[] => [
  publicOf(keys.signingKey),
  ...(keys.coming === undefined ? [] : [publicOf(keys.coming.signingKey)]),
  ...keys.earlierTokenKeys.map(({ key }) => key),
];

/** The first signs tickets; all of them check. */
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

/** The name that `user` goes by at a backend now, and its password. */
export const credentialOf = (keys: Keys, backend: Backend, user: User): Credential =>
  ofGeneration(usedBy(keys, user), backend, user);

/**
 * Every credential that a backend takes: those in use, and those on their way. The ones before go when the
 * last pod that uses them has gone, which is when the generation on its way becomes the one in use.
 */
export function credentialsOf(
  keys: Keys,
  backend: Backend,
  users: readonly User[] = USERS[backend],
): readonly (Credential & { readonly as: User })[] {
  const generations = [keys, keys.coming, keys.leaving].filter((one) => one !== undefined);
  return users.flatMap((as) =>
    generations
      .filter(({ passwords }) => passwords[`${backend}/${as}`] !== undefined)
      .map((one) => ({ as, ...ofGeneration(one, backend, as) })),
  );
}

/**
 * As an operator before this one wrote and reads it too: it knew one generation before, and takes the fields
 * beside its own along.
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
 * What stands in the Secret; undefined where there is none, an error where somebody broke it. Of one that an
 * operator before this one wrote, what it kept of the generation before is kept as if it had been replaced
 * just now.
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
    throw new Error("the Secret of generated keys is not as it was made: delete it to have new ones made");
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
  };
}

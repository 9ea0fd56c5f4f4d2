import { readFileSync } from "node:fs";
import type { FetchImplementation, JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors } from "jose";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Reread } from "@jichat/runtime/reread.ts";

const FETCH_MS = 3_000;
const COOLDOWN_MS = 10_000;
/** A key that its owner took out of the set is accepted for this long. */
const CACHE_MS = 600_000;
const JWKS_BYTES_MAX = 262_144;

export interface KeysOptions {
  readonly fetchMs?: number;
  readonly cooldownMs?: number;
  readonly cacheMs?: number;
}

export interface LoadedKeys {
  readonly keys: JWTVerifyGetKey;
  /** Files to read again while the keys are in use. A URL is fetched again without this. */
  readonly reread: readonly Reread[];
}

/** Throws if the text is not a key set. An empty set throws as well: it would refuse everybody. */
function localKeys(text: string): JWTVerifyGetKey {
  const set = JSON.parse(text) as JSONWebKeySet;
  const keys = createLocalJWKSet(set);
  if (set.keys.length === 0) throw new Error("the set has no key");
  return keys;
}

/**
 * Public keys from a JWKS URL, fetched when needed and cached, or from a file. Throws if the file is
 * unreadable.
 */
export function loadKeys(source: string, options: KeysOptions = {}): LoadedKeys {
  if (/^https?:\/\//.test(source)) return { keys: remoteKeys(new URL(source), options), reread: [] };
  try {
    const text = readFileSync(source, "utf8");
    let current = localKeys(text);
    const take = ([now = ""]: readonly string[]): void => {
      current = localKeys(now);
    };
    return {
      keys: async (header, token) => current(header, token),
      reread: [{ what: "token keys", files: [source], atStart: [text], take }],
    };
  } catch (cause) {
    throw new Error(`TOKEN_KEYS: ${source} is not a readable JWKS file`, { cause });
  }
}

/**
 * Any answer of the URL that is not a key set becomes UNAVAILABLE, because the token may be good. Only a set
 * that was read and lacks the token's key proves something about the token.
 */
function remoteKeys(url: URL, options: KeysOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: options.fetchMs ?? FETCH_MS,
    cooldownDuration: options.cooldownMs ?? COOLDOWN_MS,
    cacheMaxAge: options.cacheMs ?? CACHE_MS,
    [customFetch]: fetchBounded,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys)
        throw cause;
      throw new ChatError("UNAVAILABLE", "the keys that check tokens are not reachable", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  };
}

/** Reads at most `JWKS_BYTES_MAX` bytes, for no longer than `init.signal` allows. */
const fetchBounded: FetchImplementation = async (url, init) => {
  const answer = await fetch(url, init);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > JWKS_BYTES_MAX) throw new Error(`the keys have more than ${JWKS_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (answer.status !== 200) throw new Error(`the URL of the keys answered ${answer.status}`);
  return new Response(Buffer.concat(chunks), { status: 200 });
};

import { readFileSync } from "node:fs";
import type { FetchImplementation, JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors } from "jose";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Reread } from "@jichat/runtime/reread.ts";

const FETCH_MS = 3_000;
const COOLDOWN_MS = 10_000;
const JWKS_BYTES_MAX = 262_144;

export interface KeysOptions {
  readonly fetchMs?: number;
  readonly cooldownMs?: number;
}

export interface LoadedKeys {
  readonly keys: JWTVerifyGetKey;
  /** What is to be read anew while the keys are in use; a URL is asked by itself. */
  readonly reread: readonly Reread[];
}

/** Throws where it is no set; one without any key would refuse everybody, and is none. */
function localKeys(text: string): JWTVerifyGetKey {
  const set = JSON.parse(text) as JSONWebKeySet;
  const keys = createLocalJWKSet(set);
  if (set.keys.length === 0) throw new Error("the set has no key");
  return keys;
}

/** Public keys from a JWKS URL, fetched when needed and cached, or from a file. */
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
 * Whatever else the URL answers than a set of keys is UNAVAILABLE: the token may be good. Only a set that
 * was read and does not have the token's key says something of the token.
 */
function remoteKeys(url: URL, options: KeysOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: options.fetchMs ?? FETCH_MS,
    cooldownDuration: options.cooldownMs ?? COOLDOWN_MS,
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

/** Reads no more than a set of keys may have, and no longer than `init.signal` allows. */
const fetchBounded: FetchImplementation = async (url, init) => {
  const answer = await fetch(url, init);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > JWKS_BYTES_MAX) throw new Error(`the keys are more than ${JWKS_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (answer.status !== 200) throw new Error(`the keys' URL answered ${answer.status}`);
  return new Response(Buffer.concat(chunks), { status: 200 });
};

import { randomFillSync } from "node:crypto";

const ID_BYTES = 12;
/** Asking the system for randomness costs the same for many ids as for one. */
const pool = Buffer.alloc(512 * ID_BYTES);
let at = pool.length;

/** 96 random bits in base64url: no two sessions of a cluster ever share one. */
export function newSessionId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += ID_BYTES;
  return pool.toString("base64url", at - ID_BYTES, at);
}

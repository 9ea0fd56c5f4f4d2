import { randomFillSync } from "node:crypto";

const ID_BYTES = 12;
/** Random bytes are read in blocks: a system call costs the same for many ids as for one. */
const pool = Buffer.alloc(512 * ID_BYTES);
let at = pool.length;

/** A new session id: 96 random bits in base64url, unique in practice. */
export function newSessionId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += ID_BYTES;
  return pool.toString("base64url", at - ID_BYTES, at);
}

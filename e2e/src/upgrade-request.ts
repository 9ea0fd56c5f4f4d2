import { randomFillSync } from "node:crypto";

const KEY_BYTES = 16;
/** Asking the system for randomness costs the same for many keys as for one. */
const pool = Buffer.alloc(256 * KEY_BYTES);
let at = pool.length;

function newKey(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += KEY_BYTES;
  return pool.toString("base64", at - KEY_BYTES, at);
}

/** The HTTP request that turns a connection into a WebSocket of JSON frames (RFC 6455, 4.1). */
export const upgradeRequest = ({ pathname, host }: URL): string =>
  [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${newKey()}`,
    "Sec-WebSocket-Protocol: jichat.v1.json",
    "",
    "",
  ].join("\r\n");

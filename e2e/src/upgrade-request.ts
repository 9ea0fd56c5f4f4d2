import { randomUUID } from "node:crypto";

/** 16 random bytes, but for six bits of a UUID's own: Node keeps a pool for these and for no others. */
const newKey = (): string => Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64");

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

import { randomUUID } from "node:crypto";

/** 16 bytes from a UUID, random except for six bits. Node keeps a pool only for UUIDs, so they are fast. */
const newKey = (): string => Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64");

/** The HTTP request that upgrades a connection to a WebSocket with JSON frames (RFC 6455, 4.1). */
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

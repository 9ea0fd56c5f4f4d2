import { randomBytes } from "node:crypto";

/** The HTTP request that turns a connection into a WebSocket of JSON frames (RFC 6455, 4.1). */
export const upgradeRequest = ({ pathname, host }: URL): string =>
  [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Protocol: jichat.v1.json",
    "",
    "",
  ].join("\r\n");

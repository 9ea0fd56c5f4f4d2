import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { randomBytes } from "node:crypto";
import { once } from "node:events";

/**
 * The target of an attack, and the loopback address that the attack comes from. Each address counts as
 * another client.
 */
export interface Target {
  readonly url: URL;
  readonly from: string;
}

const CONNECT_MS = 5_000;

/** A TCP connection from the attack's own address. Resolves with undefined if it is refused. */
export async function dial({ url, from }: Target): Promise<Socket | undefined> {
  const socket = createConnection({ host: url.hostname, port: Number(url.port), localAddress: from });
  socket.on("error", () => undefined); // A refusal or a reset is a valid answer here.
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_MS) });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

export type Subprotocol = "jichat.v1.json" | "jichat.v1.msgpack";

/** A WebSocket handshake without a library. Undefined if the server does not upgrade. */
export async function upgrade(target: Target, subprotocol: Subprotocol): Promise<Socket | undefined> {
  const socket = await dial(target);
  if (socket === undefined) return undefined;
  socket.write(
    [
      `GET ${target.url.pathname} HTTP/1.1`,
      `Host: ${target.url.host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      "",
      "",
    ].join("\r\n"),
  );
  try {
    const [head] = (await once(socket, "data", { signal: AbortSignal.timeout(CONNECT_MS) })) as [Buffer];
    if (head.toString("latin1").startsWith("HTTP/1.1 101")) return socket;
  } catch {
    // The connection ended without an answer.
  }
  socket.destroy();
  return undefined;
}

const TEXT = 1;
const BINARY = 2;
const FIN = 0x80;
const MASKED = 0x80;

/** One WebSocket message in one frame (RFC 6455, 5.2), masked with zeros. */
export function message(payload: Uint8Array, binary: boolean): Buffer {
  const { length } = payload;
  const first = FIN | (binary ? BINARY : TEXT);
  if (length < 126) return Buffer.concat([Buffer.from([first, MASKED | length]), Buffer.alloc(4), payload]);
  if (length < 65_536)
    return Buffer.concat([
      Buffer.from([first, MASKED | 126, length >> 8, length & 255]),
      Buffer.alloc(4),
      payload,
    ]);
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = MASKED | 127;
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, payload]);
}

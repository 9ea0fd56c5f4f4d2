import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./wire.ts";
import { dial, message, upgrade } from "./wire.ts";

const STEP_MS = 10;

/** The frames that a flood repeats. None of them needs an answer. */
const FLOODS: readonly object[] = [
  { t: "x" },
  { t: "send", id: "f", to: "*", body: {} },
  { t: "send", id: "f", conversation: "g_none", body: {} },
  { t: "ping", id: "f" },
];

/**
 * Sends `perSecond` frames a second over one socket after the other, with or without a login. A closed socket
 * is replaced. Returns the number of frames.
 */
export async function flood(
  target: Target,
  token: string | undefined,
  perSecond: number,
  isOver: () => boolean,
): Promise<number> {
  let said = 0;
  for (let turn = 0; !isOver(); turn += 1) {
    const socket = await upgrade(target, "jichat.v1.json");
    if (socket === undefined) {
      await sleep(STEP_MS);
      continue;
    }
    socket.resume();
    if (token !== undefined) socket.write(text({ t: "hello", token, device: "flood" }));
    const frame = text(FLOODS[turn % FLOODS.length] ?? { t: "x" });
    const many = Buffer.concat(Array.from({ length: Math.ceil((perSecond * STEP_MS) / 1_000) }, () => frame));
    while (!socket.destroyed && socket.writable && !isOver()) {
      // A server that stops reading slows the flood down, as it should.
      if (socket.writableLength < many.length) {
        socket.write(many);
        said += many.length / frame.length;
      }
      await sleep(STEP_MS);
    }
    socket.destroy();
  }
  return said;
}

const text = (frame: object): Buffer => message(Buffer.from(JSON.stringify(frame)), false);

/**
 * Opens connections that send nothing, half a request, or a byte at a time, for as long as the server allows.
 * Returns the number of connections.
 */
export async function hold(target: Target, connections: number, isOver: () => boolean): Promise<number> {
  const held: Socket[] = [];
  let opened = 0;
  while (!isOver()) {
    const alive = held.filter((socket) => !socket.destroyed);
    held.splice(0, held.length, ...alive);
    if (held.length < connections) {
      const socket = await dial(target);
      if (socket === undefined) await sleep(STEP_MS);
      else {
        socket.resume();
        opened += 1;
        held.push(socket);
        if (opened % 3 === 1) socket.write(`POST ${target.url.pathname} HTTP/1.1\r\nHost: a\r\n`);
        if (opened % 3 === 2)
          socket.write(
            "POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{",
          );
      }
    } else await sleep(STEP_MS);
  }
  for (const socket of held) socket.destroy();
  return opened;
}

/** Opens sockets that send a hello and then disappear. Returns the number of sockets. */
export async function storm(target: Target, token: string, isOver: () => boolean): Promise<number> {
  let came = 0;
  while (!isOver()) {
    const socket = await upgrade(target, "jichat.v1.json");
    if (socket === undefined) {
      await sleep(STEP_MS);
      continue;
    }
    came += 1;
    socket.resume();
    socket.write(text({ t: "hello", token, device: `storm${came % 50}` }));
    await sleep(STEP_MS);
    socket.resetAndDestroy();
  }
  return came;
}

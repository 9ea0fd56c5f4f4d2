import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./wire.ts";
import { message, upgrade } from "./wire.ts";

/** What each socket of a swarm sends: after its hello, or, if `nameless`, before any hello. */
export interface Saying {
  readonly nameless?: boolean;
  readonly perSecond: number;
  /** The kind of frame that the connector counts, if an address may send as many as this. */
  readonly counts?: string;
  readonly frame: (i: number) => object | string;
}

const NOTHING_TO_SEE = { t: "ping", id: "p" };

/**
 * What one address may send over many sockets. Each socket stays within its own limits, or is closed for it.
 * Sends are accepted at the rate of a user, all else at the rate of a socket.
 */
export const SAYINGS: Readonly<Record<string, Saying>> = {
  pings: { perSecond: 200, counts: "ping", frame: () => NOTHING_TO_SEE },
  "pings that are read as JSON": {
    perSecond: 200,
    counts: "ping",
    frame: () => ({ ...NOTHING_TO_SEE, more: "x" }),
  },
  "sends that are taken": { perSecond: 40, frame: (i) => ({ t: "send", id: `s${i}`, to: "sink", body: {} }) },
  "pulls of what is not there": {
    perSecond: 40,
    counts: "pull",
    frame: (i) => ({ t: "pull", id: `p${i}`, conversation: "g_none" }),
  },
  "syncs that are answered": { perSecond: 40, counts: "sync", frame: (i) => ({ t: "sync", id: `y${i}` }) },
  "sends to where nobody is": {
    perSecond: 200,
    frame: (i) => ({ t: "send", id: `n${i}`, conversation: "g_none", body: {} }),
  },
  "malformed frames": { perSecond: 200, frame: (i) => (i % 3 === 0 ? NOTHING_TO_SEE : '{"t":"send"') },
  "frames of no kind": { perSecond: 200, frame: () => ({ t: "x" }) },
  "frames before a hello": { nameless: true, perSecond: 200, frame: () => ({ t: "x" }) },
};

const STEP_MS = 50;
/** One second's worth of frames in the socket's buffer. A server that stops reading slows the swarm down. */
const UNSENT_BYTES_MAX = 65_536;

export interface Said {
  readonly frames: number;
  readonly sockets: number;
}

interface SwarmOptions {
  readonly saying: Saying;
  readonly tokens: readonly string[];
  readonly perSecond: number;
  readonly isOver: () => boolean;
}

/**
 * Sends `perSecond` frames a second in all, over as many sockets as that needs. Closed sockets are replaced.
 */
export async function swarm(
  target: Target,
  { saying, tokens, perSecond, isOver }: SwarmOptions,
): Promise<Said> {
  const socketsMax = Math.ceil(perSecond / saying.perSecond);
  const each = await Promise.all(
    Array.from({ length: socketsMax }, async (_, index) => {
      await sleep((index * STEP_MS * 7) % 1_000);
      const token = tokens[index % tokens.length];
      return speak(target, saying, { token, device: `d${index}` }, isOver);
    }),
  );
  return {
    frames: each.reduce((sum, { frames }) => sum + frames, 0),
    sockets: each.reduce((sum, { sockets }) => sum + sockets, 0),
  };
}

/** Sends over one socket after the other. */
async function speak(target: Target, saying: Saying, as: object, isOver: () => boolean): Promise<Said> {
  let [frames, sockets] = [0, 0];
  while (!isOver()) {
    const socket = await upgrade(target, "jichat.v1.json");
    if (socket === undefined) {
      await sleep(STEP_MS);
      continue;
    }
    socket.resume();
    sockets += 1;
    if (saying.nameless !== true) socket.write(text({ t: "hello", ...as }));
    const started = performance.now();
    for (let said = 0; !socket.destroyed && socket.writable && !isOver();) {
      const due = Math.ceil(((performance.now() - started) * saying.perSecond) / 1_000) - said;
      if (due > 0 && socket.writableLength < UNSENT_BYTES_MAX) {
        socket.write(Buffer.concat(Array.from({ length: due }, (_, i) => text(saying.frame(frames + i)))));
        frames += due;
        said += due;
      }
      await sleep(STEP_MS);
    }
    socket.destroy();
  }
  return { frames, sockets };
}

const text = (frame: object | string): Buffer =>
  message(Buffer.from(typeof frame === "string" ? frame : JSON.stringify(frame)), false);

import { setTimeout as sleep } from "node:timers/promises";
import { encode } from "@msgpack/msgpack";
import type { Dice } from "@jichat/protocol/dice.ts";
import { mutated } from "./odd-values.ts";
import type { Subprotocol, Target } from "./wire.ts";
import { message, upgrade } from "./wire.ts";

const FRAMES: readonly Readonly<Record<string, unknown>>[] = [
  { t: "send", id: "1", to: "prey", body: { text: "hi" } },
  { t: "send", id: "2", conversation: "g_none", body: { text: "hi" }, replyTo: 1, mentions: ["prey"] },
  { t: "edit", id: "3", conversation: "g_none", seq: 1, body: {} },
  { t: "recall", id: "4", conversation: "g_none", seq: 1 },
  { t: "create", id: "5", kind: "group", name: "wolves", members: ["prey"] },
  { t: "rename", id: "6", conversation: "g_none", name: "cut" },
  { t: "invite", id: "7", conversation: "g_none", users: ["prey"] },
  { t: "leave", id: "8", conversation: "g_none" },
  { t: "read", id: "9", conversation: "g_none", seq: 1 },
  { t: "pull", id: "10", conversation: "g_none", after: 0, limit: 200 },
  { t: "sync", id: "11", since: "AAAA", limit: 10 },
  { t: "renew", id: "12", token: "a.b.c" },
  { t: "ping", id: "13" },
  { t: "hello", token: "a.b.c", device: "d" },
];
const NAMES = [...new Set(FRAMES.flatMap((frame) => Object.keys(frame)))];

/** A chain of MessagePack headers that announce more than follows. */
function lie(dice: Dice): Uint8Array {
  const header = dice.pick([
    [0xdd, 0x01, 0xff, 0xff, 0xff],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0x00, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff],
    [0xde, 0xff, 0xff],
    [0xdb, 0x7f, 0xff, 0xff, 0xff],
    [0xc6, 0x7f, 0xff, 0xff, 0xff],
    [0xc9, 0x00, 0x0f, 0xff, 0xff, 0x01],
    [0x9f],
    [0x8f, 0xa1, 0x61],
  ]);
  return Uint8Array.from(Array.from({ length: Math.floor(dice.between(1, 40)) }, () => header).flat());
}

function bytesOf(frame: unknown, subprotocol: Subprotocol): Uint8Array {
  return subprotocol === "jichat.v1.msgpack"
    ? encode(frame, { maxDepth: 1_000, ignoreUndefined: true })
    : Buffer.from(JSON.stringify(frame));
}

/** A frame that is almost valid: with odd fields, cut off, with a changed byte, or with false lengths. */
function oddFrame(subprotocol: Subprotocol, dice: Dice): Uint8Array {
  if (subprotocol === "jichat.v1.msgpack" && dice.chance(0.3)) return lie(dice);
  const bytes = bytesOf(mutated(dice.pick(FRAMES), NAMES, dice), subprotocol);
  if (dice.chance(0.7)) return bytes;
  const cut = bytes.slice(0, Math.floor(dice.between(0, bytes.length)));
  if (cut.length > 0 && dice.chance(0.5)) cut[Math.floor(dice.next() * cut.length)] = dice.next() * 256;
  return cut;
}

const FRAMES_A_SOCKET = 20;
const STEP_MS = 20;

/**
 * Sends almost valid frames over sockets with and without a login, one after the other. Returns the number of
 * frames.
 */
export async function attackFrames(
  target: Target,
  tokens: readonly string[],
  dice: Dice,
  isOver: () => boolean,
): Promise<number> {
  let said = 0;
  while (!isOver()) {
    const subprotocol = dice.pick(["jichat.v1.json", "jichat.v1.msgpack"] as const);
    const socket = await upgrade(target, subprotocol);
    if (socket === undefined) {
      await sleep(STEP_MS);
      continue;
    }
    socket.resume();
    const say = (bytes: Uint8Array): void => {
      said += 1;
      socket.write(message(bytes, subprotocol === "jichat.v1.msgpack"));
    };
    const token = dice.pick([...tokens, ""]);
    if (token !== "") say(bytesOf({ t: "hello", token, device: "wolf" }, subprotocol));
    for (let i = 0; i < FRAMES_A_SOCKET && !socket.destroyed && !isOver(); i += 1) {
      say(oddFrame(subprotocol, dice));
      await sleep(STEP_MS);
    }
    socket.destroy();
  }
  return said;
}

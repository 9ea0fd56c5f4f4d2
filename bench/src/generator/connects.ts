import { Tickets } from "@jichat/identity/tickets.ts";
import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { watchLoad } from "./load.ts";
import type { FastSocket } from "./fast-socket.ts";
import type { Door, SignedDoor } from "./people.ts";
import { DEVICE, arrive, helloOf, inParallel } from "./people.ts";
import { together } from "./together.ts";

export interface ConnectArgs {
  readonly door: SignedDoor;
  readonly count: number;
  /** The number of concurrent handshakes. */
  readonly width: number;
  readonly pids: Pids;
}

export interface TicketArgs extends Omit<ConnectArgs, "door"> {
  readonly door: Door;
  readonly clusterKey: string;
}

/** The share of handshakes before the timed ones. Like every load, this one warms up the servers first. */
const WARM_SHARE = 0.25;

/** The number of timed handshakes, and their total duration. */
type Timed = Load & { readonly timed: number; readonly ms: number };

/**
 * Handshakes per second: TCP, upgrade, hello, welcome. A first part of them is not timed. Each socket is
 * closed after its welcome, or all at the end, for a device that comes back and stays.
 */
async function handshakes(
  urls: readonly string[],
  hellos: readonly string[],
  { width, pids }: Pick<ConnectArgs, "width" | "pids">,
  isKept = false,
): Promise<Timed> {
  const kept: FastSocket[] = [];
  const shake = async (part: readonly string[]): Promise<void> =>
    inParallel(part.length, width, async (index) => {
      const { socket } = await arrive(urls[index % urls.length] ?? "", part[index], () => undefined);
      if (isKept) kept.push(socket);
      else socket.close();
    });
  const warming = Math.round(hellos.length * WARM_SHARE);
  await shake(hellos.slice(0, warming));
  await together();
  const load = watchLoad(pids);
  const started = performance.now();
  await shake(hellos.slice(warming));
  const ms = performance.now() - started;
  const how = load();
  for (const socket of kept) socket.close();
  return { timed: hellos.length - warming, ms, ...how };
}

/** Handshakes with JWTs, which are made beforehand. */
export const connects = async ({ door, count, ...how }: ConnectArgs): Promise<Timed> =>
  handshakes(
    door.urls,
    Array.from({ length: count }, (_, i) => helloOf(door.signingKeyFile, `c${i}`)),
    how,
  );

/** Handshakes with tickets, which are made beforehand. */
export async function tickets({ door, clusterKey, count, ...how }: TicketArgs): Promise<Timed> {
  const issuer = new Tickets([clusterKey], 3_600_000);
  const now = Date.now();
  const hellos = Array.from({ length: count }, (_, i) => {
    const identity = {
      user: `r${i}`,
      device: DEVICE,
      tokenId: "t",
      issuedAt: now,
      expiresAt: now + 3_600_000,
    };
    return JSON.stringify({ t: "hello", device: DEVICE, ticket: issuer.issue(identity, now).ticket });
  });
  return handshakes(door.urls, hellos, how, true);
}

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
  /** Handshakes that are under way at once. */
  readonly width: number;
  readonly pids: Pids;
}

export interface TicketArgs extends Omit<ConnectArgs, "door"> {
  readonly door: Door;
  readonly clusterKey: string;
}

/** Of the handshakes, before the rest are timed: as every load, this one warms up what it loads. */
const WARM_SHARE = 0.25;

/** How many handshakes were timed, and how long all of them took. */
type Timed = Load & { readonly timed: number; readonly ms: number };

/**
 * TCP, upgrade, hello, welcome: how many a second, once a part of them has gone before. Each is closed when
 * it is welcomed, or all of them in the end: who comes back stays.
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

/** With JWTs, which are made before. */
export const connects = async ({ door, count, ...how }: ConnectArgs): Promise<Timed> =>
  handshakes(
    door.urls,
    Array.from({ length: count }, (_, i) => helloOf(door.signingKeyFile, `c${i}`)),
    how,
  );

/** With tickets, which are made before. */
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

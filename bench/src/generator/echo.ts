import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door } from "./people.ts";
import { gather, leave } from "./people.ts";

export interface EchoArgs {
  readonly door: Door;
  readonly frame: string;
  /** Frames of each of 50 sockets that are on their way at once. */
  readonly window: number;
  readonly ms: number;
  readonly pids: Pids;
}

const SOCKETS = 50;
const WARM_MS = 500;

/** Closed loop: each answer lets the next frame go. Answers per second. */
export async function echo({
  door,
  frame,
  window,
  ms,
  pids,
}: EchoArgs): Promise<Load & { perSecond: number }> {
  const state = { count: 0, isOn: true };
  const people = await gather(door, "e", SOCKETS, (index) => {
    state.count += 1;
    if (state.isOn) people[index]?.socket.send(frame);
  });
  for (const { socket } of people) for (let i = 0; i < window; i += 1) socket.send(frame);
  await pause(WARM_MS);
  const load = watchLoad(pids);
  state.count = 0;
  const started = performance.now();
  await pause(ms);
  const perSecond = (state.count * 1_000) / (performance.now() - started);
  const how = load();
  state.isOn = false;
  leave(people);
  return { perSecond, ...how };
}

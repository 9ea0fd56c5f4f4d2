import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door } from "./people.ts";
import { textFrame } from "./fast-socket.ts";
import { gather, leave } from "./people.ts";

export interface EchoArgs {
  readonly door: Door;
  readonly frame: string;
  /** The number of frames in flight on each of the 50 sockets. */
  readonly window: number;
  readonly ms: number;
  readonly pids: Pids;
}

const SOCKETS = 50;
const WARM_MS = 500;

/** Closed loop: each answer releases the next frame. Returns answers per second. */
export async function echo({
  door,
  frame,
  window,
  ms,
  pids,
}: EchoArgs): Promise<Load & { perSecond: number }> {
  const state = { count: 0, isOn: true };
  const people = await gather(door, "e", SOCKETS, () => undefined);
  const one = textFrame(frame);
  const frames = Buffer.concat(Array.from({ length: window }, () => one));
  for (const { socket } of people) {
    socket.onCount = (count) => {
      state.count += count;
      if (state.isOn) socket.sendFrames(frames.subarray(0, count * one.length));
    };
    socket.sendFrames(frames);
  }
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

import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door } from "./people.ts";
import { gather, leave } from "./people.ts";

export interface GroupArgs {
  readonly door: Door;
  readonly members: number;
  /** The number of messages in flight. */
  readonly window: number;
  readonly ms: number;
  readonly pids: Pids;
}

const BODY = "x".repeat(150);
const WARM_MS = 1_000;

/**
 * Closed loop: each of `window` members sends its next message when the last one is acked. Returns deliveries
 * per second to all members. A raw server sends all members one prebuilt frame.
 */
export async function group({
  door,
  members,
  window,
  ms,
  pids,
}: GroupArgs): Promise<Load & { perSecond: number }> {
  const isRaw = door.signingKeyFile === undefined;
  const state = { delivered: 0, isOn: true, conversation: isRaw ? "raw" : "", next: 0 };
  const created = Promise.withResolvers<void>();
  const send = (index: number): void => {
    state.next += 1;
    people[index]?.socket.send(
      `{"t":"send","id":"g${state.next}-${index}-${Date.now()}","conversation":"${state.conversation}","body":{"text":"${BODY}"}}`,
    );
  };
  const people = await gather(door, "g", members, (index, text) => {
    if (text.startsWith('{"t":"event"')) {
      state.delivered += 1;
    } else if (text.startsWith('{"t":"ack"')) {
      if (state.conversation === "") {
        state.conversation = (JSON.parse(text) as { conversation: string }).conversation;
        created.resolve();
      } else if (state.isOn) send(index);
    } else if (text.startsWith('{"t":"error"')) created.reject(new Error(text));
  });
  if (isRaw) created.resolve();
  else
    people[0]?.socket.send(
      JSON.stringify({
        t: "create",
        id: `g-${Date.now()}`,
        kind: "group",
        name: "Bench",
        members: people.slice(1).map((_, i) => `g${i + 1}`),
      }),
    );
  await created.promise;
  for (let i = 0; i < window; i += 1) send(i);
  await pause(WARM_MS);
  const load = watchLoad(pids);
  state.delivered = 0;
  const started = performance.now();
  await pause(ms);
  const perSecond = (state.delivered * 1_000) / (performance.now() - started);
  const how = load();
  state.isOn = false;
  await pause(500);
  leave(people);
  return { perSecond, ...how };
}

import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door } from "./people.ts";
import { DEVICE, arrive, gather, inParallel, leave } from "./people.ts";

export interface ResumeArgs {
  readonly door: Door;
  readonly devices: number;
  /** Sockets that are being opened at once. */
  readonly width: number;
  readonly pids: Pids;
}

export interface Resumed extends Load {
  /** Until the last device had all it had missed. */
  readonly ms: number;
}

const SETTLE_MS = 2_000;

/** Answers by the frame's `id`, of one socket. */
class Asker {
  readonly #waiting = new Map<string, (text: string) => void>();

  heard(text: string): void {
    const id = /"id":"([a-z0-9-]+)"/.exec(text)?.[1] ?? "";
    this.#waiting.get(id)?.(text);
  }

  async answer(id: string): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
    });
  }
}

/** One message for each of them, from somebody else. */
async function tellAll(door: Door, devices: number): Promise<void> {
  const asker = new Asker();
  const [writer] = await gather(door, "w", 1, (_, text) => {
    asker.heard(text);
  });
  if (writer === undefined) return;
  await inParallel(devices, 64, async (index) => {
    const id = `w${index}-${Date.now()}`;
    const answer = asker.answer(id);
    writer.socket.send(JSON.stringify({ t: "send", id, to: `r${index}`, body: { text: "missed" } }));
    await answer;
  });
  leave([writer]);
}

/**
 * Devices that are level lose their sockets all at once, miss a message each, and come back with their
 * tickets: until each has synced from where it was.
 */
export async function resume({ door, devices, width, pids }: ResumeArgs): Promise<Resumed> {
  const { urls } = door;
  const askers = Array.from({ length: devices }, () => new Asker());
  const people = await gather(door, "r", devices, (index, text) => askers[index]?.heard(text));
  const tickets = people.map(({ welcome }) => (JSON.parse(welcome) as { ticket: string }).ticket);
  const ask = async (
    index: number,
    socket: (typeof people)[number]["socket"],
    frame: object,
  ): Promise<string> => {
    const id = `q${index}-${Math.random().toString(36).slice(2)}`;
    const answer = askers[index]?.answer(id);
    socket.send(JSON.stringify({ id, ...frame }));
    return (await answer) ?? "";
  };
  const cursors: string[] = [];
  await inParallel(devices, 64, async (index) => {
    const person = people[index];
    if (person === undefined) return;
    // A message of before, so that there is a conversation to be level in.
    await ask(index, person.socket, { t: "send", to: `r${(index + 1) % devices}`, body: { text: "before" } });
    const synced = JSON.parse(await ask(index, person.socket, { t: "sync" })) as { cursor: string };
    cursors[index] = synced.cursor;
  });
  leave(people);
  await pause(SETTLE_MS);
  await tellAll(door, devices);
  const back: (typeof people)[number]["socket"][] = [];
  const load = watchLoad(pids);
  const started = performance.now();
  await inParallel(devices, width, async (index) => {
    const hello = JSON.stringify({ t: "hello", ticket: tickets[index], device: DEVICE });
    const { socket } = await arrive(urls[index % urls.length] ?? "", hello, (text) =>
      askers[index]?.heard(text),
    );
    back.push(socket);
    await ask(index, socket, { t: "sync", since: cursors[index] });
  });
  const ms = performance.now() - started;
  const how = load();
  for (const socket of back) socket.close();
  return { ms, ...how };
}

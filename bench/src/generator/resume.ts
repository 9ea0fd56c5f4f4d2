import type { FastSocket } from "./fast-socket.ts";
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
  readonly times: number;
  readonly pids: Pids;
}

export interface Resumed extends Load {
  /** Until the last device had all it had missed. */
  readonly ms: number;
}

const SETTLE_MS = 2_000;
/** At once, while they are made level. */
const PREPARING = 256;

/** Answers by the frame's `id`, of one socket. Rejects when it is gone before they came. */
class Asker {
  readonly #waiting = new Map<string, PromiseWithResolvers<string>>();

  heard(text: string): void {
    const id = /"id":"([a-z0-9-]+)"/.exec(text)?.[1] ?? "";
    this.#waiting.get(id)?.resolve(text);
    this.#waiting.delete(id);
  }

  async ask(socket: FastSocket, id: string, frame: object): Promise<string> {
    const asked = Promise.withResolvers<string>();
    this.#waiting.set(id, asked);
    socket.onClose = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("closed before it was answered"));
    };
    socket.send(JSON.stringify({ id, ...frame }));
    const text = await asked.promise;
    if (text.startsWith('{"t":"error"')) throw new Error(`refused: ${text}`);
    return text;
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
    const frame = { t: "send", to: `r${index}`, body: { text: "missed" } };
    await asker.ask(writer.socket, `w${index}-${Date.now()}`, frame);
  });
  leave([writer]);
}

/**
 * Devices that are level lose their sockets all at once, miss a message each, and come back with their
 * tickets: until each has synced from where it was. Making them level takes longer than all the rest, so they
 * lose their sockets `times` times.
 */
export async function resume({ door, devices, width, pids, times }: ResumeArgs): Promise<readonly Resumed[]> {
  const { urls } = door;
  const askers = Array.from({ length: devices }, () => new Asker());
  const ask = async (index: number, socket: FastSocket, frame: object): Promise<string> => {
    const id = `q${index}-${Math.random().toString(36).slice(2)}`;
    return (await askers[index]?.ask(socket, id, frame)) ?? "";
  };
  const people = await gather(door, "r", devices, (index, text) => askers[index]?.heard(text));
  const tickets = people.map(({ welcome }) => ticketOf(welcome));
  const sockets = people.map(({ socket }) => socket);
  const cursors: string[] = [];
  await inParallel(devices, PREPARING, async (index) => {
    const socket = sockets[index];
    if (socket === undefined) return;
    // A message of before, so that there is a conversation to be level in.
    await ask(index, socket, { t: "send", to: `r${(index + 1) % devices}`, body: { text: "before" } });
    cursors[index] = cursorOf(await ask(index, socket, { t: "sync" }));
  });
  const results: Resumed[] = [];
  for (let run = 0; run < times; run += 1) {
    for (const socket of sockets) socket.close();
    await pause(SETTLE_MS);
    await tellAll(door, devices);
    const load = watchLoad(pids);
    const started = performance.now();
    await inParallel(devices, width, async (index) => {
      const hello = JSON.stringify({ t: "hello", ticket: tickets[index], device: DEVICE });
      const { socket, welcome } = await arrive(urls[index % urls.length] ?? "", hello, (text) =>
        askers[index]?.heard(text),
      );
      sockets[index] = socket;
      tickets[index] = ticketOf(welcome);
      cursors[index] = cursorOf(await ask(index, socket, { t: "sync", since: cursors[index] }));
    });
    results.push({ ms: performance.now() - started, ...load() });
  }
  for (const socket of sockets) socket.close();
  return results;
}

const ticketOf = (welcome: string): string => (JSON.parse(welcome) as { ticket: string }).ticket;
const cursorOf = (synced: string): string => (JSON.parse(synced) as { cursor: string }).cursor;

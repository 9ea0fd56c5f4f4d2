import { Asker, come } from "./asker.ts";
import { FastSocket } from "./fast-socket.ts";
import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door } from "./people.ts";
import { DEVICE, gather, inParallel, leave } from "./people.ts";
import { together } from "./together.ts";

export interface ResumeArgs {
  readonly door: Door;
  /** Begins the names of its users: two crowds share none. */
  readonly crowd: string;
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

/** Until the connector has said goodbye to all of them. */
const LEAVE_MS = 1_000;
/** Until storage has written what they were told: that is no part of coming back. */
const STORE_MS = 2_000;
/** At once, while they are made level. */
const PREPARING = 256;

/** One message for each of them, from somebody else. */
async function tellAll(door: Door, crowd: string, devices: number): Promise<void> {
  const writer = await come(door, `${crowd}-writer`);
  await inParallel(devices, 64, async (index) => {
    await writer.ask({ t: "send", to: `${crowd}${index}`, body: { text: "missed" } });
  });
  leave([writer]);
}

interface Back {
  readonly socket: FastSocket;
  readonly welcome: string;
  readonly synced: string;
}

/** As the SDK does it: asks what was missed right behind the hello. Rejects with what it was refused with. */
async function comeBack(url: string, ticket: string, since: string | undefined): Promise<Back> {
  const level = Promise.withResolvers<string>();
  let welcome = "";
  const socket = await FastSocket.open(url, (text) => {
    if (text.startsWith('{"t":"welcome"')) welcome = text;
    else if (text.startsWith('{"t":"synced"')) level.resolve(text);
    else level.reject(new Error(`neither welcomed nor level: ${text}`));
  });
  socket.onClose = () => {
    level.reject(new Error("closed before it was level"));
  };
  socket.send(JSON.stringify({ t: "hello", ticket, device: DEVICE }));
  socket.send(JSON.stringify({ t: "sync", id: "s", since }));
  const synced = await level.promise;
  socket.onClose = undefined;
  return { socket, welcome, synced };
}

/**
 * Devices that are level lose their sockets all at once, miss a message each, and come back with their
 * tickets: until each has synced from where it was. Making them level takes longer than all the rest, so they
 * lose their sockets `times` times.
 */
export async function resume({
  door,
  crowd,
  devices,
  width,
  pids,
  times,
}: ResumeArgs): Promise<readonly Resumed[]> {
  const { urls } = door;
  const askers = Array.from({ length: devices }, () => new Asker());
  const ask = async (index: number, socket: FastSocket, frame: object): Promise<string> => {
    const id = `q${index}-${Math.random().toString(36).slice(2)}`;
    return (await askers[index]?.ask(socket, id, frame)) ?? "";
  };
  const people = await gather(door, crowd, devices, (index, text) => askers[index]?.heard(text));
  const tickets = people.map(({ welcome }) => ticketOf(welcome));
  const sockets = people.map(({ socket }) => socket);
  const cursors: string[] = [];
  await inParallel(devices, PREPARING, async (index) => {
    const socket = sockets[index];
    if (socket === undefined) return;
    // A message of before, so that there is a conversation to be level in.
    await ask(index, socket, { t: "send", to: `${crowd}${(index + 1) % devices}`, body: { text: "before" } });
    cursors[index] = cursorOf(await ask(index, socket, { t: "sync" }));
  });
  const results: Resumed[] = [];
  for (let run = 0; run < times; run += 1) {
    for (const socket of sockets) socket.close();
    await pause(LEAVE_MS);
    await tellAll(door, crowd, devices);
    await pause(STORE_MS);
    await together();
    const load = watchLoad(pids);
    const started = performance.now();
    await inParallel(devices, width, async (index) => {
      const url = urls[index % urls.length] ?? "";
      const { socket, welcome, synced } = await comeBack(url, tickets[index] ?? "", cursors[index]);
      sockets[index] = socket;
      tickets[index] = ticketOf(welcome);
      cursors[index] = cursorOf(synced);
    });
    results.push({ ms: performance.now() - started, ...load() });
  }
  for (const socket of sockets) socket.close();
  return results;
}

// Cut out, not parsed: a device parses on a core of its own, these two share theirs with the servers.
const ticketOf = (welcome: string): string => /"ticket":"([^"]*)"/.exec(welcome)?.[1] ?? "";
const cursorOf = (synced: string): string => /"cursor":"([^"]*)"/.exec(synced)?.[1] ?? "";

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
  /** The prefix of its users' names, so that two crowds share no user. */
  readonly crowd: string;
  readonly devices: number;
  /** The number of sockets that are opened at once. */
  readonly width: number;
  readonly times: number;
  readonly pids: Pids;
}

export interface Resumed extends Load {
  /** Until the last device had everything that it missed. */
  readonly ms: number;
}

/** The time in which the connector closes all of the sockets on its side. */
const LEAVE_MS = 1_000;
/** The time in which storage writes the messages, since that is not part of the resume. */
const STORE_MS = 2_000;
/** The number of concurrent devices while they are brought up to date. */
const PREPARING = 256;

/** Sends one message from somebody else to each device. */
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

/** Resumes like the SDK, with the sync right after the hello. Rejects with the error of the server. */
async function comeBack(url: string, ticket: string, since: string | undefined): Promise<Back> {
  const level = Promise.withResolvers<string>();
  let welcome = "";
  const socket = await FastSocket.open(url, (text) => {
    if (text.startsWith('{"t":"welcome"')) welcome = text;
    else if (text.startsWith('{"t":"synced"')) level.resolve(text);
    else level.reject(new Error(`neither a welcome nor a reply to the sync: ${text}`));
  });
  socket.onClose = () => {
    level.reject(new Error("closed before its sync was answered"));
  };
  socket.send(JSON.stringify({ t: "hello", ticket, device: DEVICE }));
  socket.send(JSON.stringify({ t: "sync", id: "s", since }));
  const synced = await level.promise;
  socket.onClose = undefined;
  return { socket, welcome, synced };
}

/**
 * Devices that are up to date lose their sockets all at once, and miss one message each. They come back with
 * their tickets, and the time ends when each has synced from its cursor. The preparation takes longer than
 * all the rest, so they lose their sockets `times` times.
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
    // An earlier message, so that there is a conversation to be synced.
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

// Cut out without parsing: a real device parses on its own core, but this generator shares two cores with the
// servers.
const ticketOf = (welcome: string): string => /"ticket":"([^"]*)"/.exec(welcome)?.[1] ?? "";
const cursorOf = (synced: string): string => /"cursor":"([^"]*)"/.exec(synced)?.[1] ?? "";

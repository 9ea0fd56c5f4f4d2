import type { FastSocket } from "./fast-socket.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import { DEVICE, arrive, gather } from "./people.ts";
import type { SignedDoor } from "./people.ts";
import { idsAt, numberIn } from "./talk.ts";

export interface MovesArgs {
  readonly door: SignedDoor;
  /** Where devices go that are told to. */
  readonly nextUrls: readonly string[];
  /** The number of devices, one per user. Must be even: neighbours talk with each other. */
  readonly people: number;
  /** Messages in a second, of all of them. */
  readonly rate: number;
  readonly ms: number;
}

export interface Moves extends Load {
  /** When each message was due, in ms since 1970, and how long after that its ack came; NaN without one. */
  readonly dueAt: readonly number[];
  readonly ackedAfter: readonly number[];
  readonly received: number;
  readonly refused: number;
  /** When each device that moved was welcomed at its new connector. */
  readonly movedAt: readonly number[];
  /** Sockets that were closed with a message that was not acked. It was sent again. */
  readonly cutOff: number;
}

interface Device {
  socket: FastSocket;
  /** Messages that are not acked, by their number, as they were sent. */
  readonly unacked: Map<number, string>;
  isMoving: boolean;
}

const SETTLE_MS = 10_000;
const TICK_MS = 2;
/** A socket that was left is closed when what was sent over it is acked, or after this time. */
const LEFT_MS = 2_000;
const BODY = "x".repeat(150);
const PREFIX = "m";

/**
 * Open loop, like `talk`, with devices that go where they are told to: the new socket opens before the old
 * one is left, as in the SDK. Latency counts from the due time.
 */
export async function moves({ door, nextUrls, people, rate, ms }: MovesArgs): Promise<Moves> {
  const total = Math.round((rate * ms) / 1_000);
  const dueAt = new Float64Array(total);
  const ackedAfter = new Float64Array(total).fill(Number.NaN);
  const movedAt: number[] = [];
  const counts = { received: 0, refused: 0, cutOff: 0, acked: 0 };
  const devices: Device[] = [];
  const now = (): number => performance.timeOrigin + performance.now();

  const move = async (index: number, told: string): Promise<void> => {
    const device = devices[index];
    if (device === undefined || device.isMoving) return;
    device.isMoving = true;
    const { reconnectAfterMs, ticket } = JSON.parse(told) as { reconnectAfterMs: number; ticket: string };
    await pause(reconnectAfterMs);
    const hello = JSON.stringify({ t: "hello", device: DEVICE, ticket });
    const url = nextUrls[movedAt.length % nextUrls.length] ?? "";
    const { socket } = await arrive(url, hello, (text) => {
      take(index, text);
    });
    movedAt.push(now());
    const left = device.socket;
    const closed = new AbortController();
    left.onClose = () => {
      closed.abort();
    };
    const sentBefore = [...device.unacked];
    device.socket = socket;
    device.isMoving = false;
    const until = performance.now() + LEFT_MS;
    const isWaited = (): boolean => sentBefore.some(([number]) => device.unacked.has(number));
    while (isWaited() && !closed.signal.aborted && performance.now() < until) await pause(TICK_MS);
    left.close();
    for (const [number, frame] of sentBefore)
      if (device.unacked.has(number)) {
        counts.cutOff += 1;
        socket.send(frame);
      }
  };

  const take = (index: number, text: string): void => {
    if (text.startsWith('{"t":"ack"')) {
      const number = numberIn(text);
      if (devices[index]?.unacked.delete(number) !== true) return;
      counts.acked += 1;
      ackedAfter[number] = now() - (dueAt[number] ?? Number.NaN);
    } else if (text.startsWith('{"t":"event"') && text.includes('"kind":"message"')) counts.received += 1;
    else if (text.startsWith('{"t":"error"')) counts.refused += 1;
    else if (text.startsWith('{"t":"goaway"')) void move(index, text);
  };

  const persons = await gather(door, PREFIX, people, take);
  for (const { socket } of persons) devices.push({ socket, unacked: new Map(), isMoving: false });
  const load = watchLoad({});
  const started = now();
  for (let sent = 0; sent < total;) {
    const idOf = idsAt(Date.now());
    const until = Math.min(total, 1 + Math.floor(((now() - started) * rate) / 1_000));
    for (; sent < until; sent += 1) {
      dueAt[sent] = started + (sent * 1_000) / rate;
      const from = sent % people;
      const frame = `{"t":"send","id":"${idOf(sent)}","to":"${PREFIX}${from ^ 1}","body":{"text":"${BODY}"}}`;
      devices[from]?.unacked.set(sent, frame);
      devices[from]?.socket.send(frame);
    }
    await pause(TICK_MS);
  }
  const offered = Math.min(1, ms / (now() - started - TICK_MS));
  const end = performance.now() + SETTLE_MS;
  while (counts.acked < total && performance.now() < end) await pause(20);
  const how = load(offered);
  for (const { socket } of devices) socket.close();
  const { received, refused, cutOff } = counts;
  return { dueAt: [...dueAt], ackedAfter: [...ackedAfter], received, refused, movedAt, cutOff, ...how };
}

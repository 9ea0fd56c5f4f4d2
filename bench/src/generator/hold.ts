import type { FastSocket } from "./fast-socket.ts";
import type { SignedDoor } from "./people.ts";
import { arrive, gather, helloOf, leave } from "./people.ts";
import { pause } from "./load.ts";

export interface HoldArgs {
  readonly door: SignedDoor;
  /** The number of sockets that only stay connected. */
  readonly idle: number;
  /** The number of sockets that are written to and never read. */
  readonly deaf: number;
  readonly ms: number;
}
export interface Held {
  /** The deaf sockets that the server closed, and that connected again. */
  readonly closed: number;
  /** The idle sockets that were lost: there should be none. */
  readonly lost: number;
}

const PING_MS = 20_000;
/**
 * Deaf sockets ping too. A silent socket would be closed for its silence. And a socket that does not read
 * learns of its end only by a failed write, which should happen soon.
 */
const DEAF_PING_MS = 5_000;
const WRITES_PER_SECOND = 100;
/** The kernel buffers some 10 MB for a deaf socket before the connector has to keep anything. */
const BODY = "y".repeat(8_000);

/** Keeps `idle` sockets alive, and feeds `deaf` ones that read nothing, for `ms`. */
export async function hold({ door, idle, deaf, ms }: HoldArgs): Promise<Held> {
  let lost = 0;
  const people = await gather(door, "h", idle, () => undefined);
  for (const { socket } of people)
    socket.onClose = () => {
      lost += 1;
    };
  let closed = 0;
  const open = new Set<FastSocket>();
  const over = new AbortController();
  const listenNever = async (user: string): Promise<void> => {
    while (!over.signal.aborted) {
      const hello = helloOf(door.signingKeyFile, user);
      const { socket } = await arrive(door.urls[0] ?? "", hello, () => undefined);
      open.add(socket);
      socket.pause();
      const talking = setInterval(() => {
        socket.send('{"t":"ping"}');
      }, DEAF_PING_MS);
      const gone = new Promise<void>((resolve) => {
        socket.onClose = resolve;
      });
      await gone;
      clearInterval(talking);
      open.delete(socket);
      if (!over.signal.aborted) closed += 1;
    }
  };
  const loops = Array.from({ length: deaf }, async (_, i) => listenNever(`deaf${i}`));
  const [writer] = await gather(door, "loud", 1, () => undefined);
  const pinging = setInterval(() => {
    for (const { socket } of people) socket.send('{"t":"ping"}');
    writer?.socket.send('{"t":"ping"}');
  }, PING_MS);
  let sent = 0;
  const writing = setInterval(() => {
    if (deaf === 0) return;
    sent += 1;
    writer?.socket.send(
      `{"t":"send","id":"loud-${sent}","to":"deaf${sent % deaf}","body":{"text":"${BODY}"}}`,
    );
  }, 1_000 / WRITES_PER_SECOND);
  await pause(ms);
  over.abort();
  clearInterval(pinging);
  clearInterval(writing);
  const result = { closed, lost };
  leave([...people, ...(writer === undefined ? [] : [writer])]);
  for (const socket of open) socket.close();
  await Promise.all(loops);
  return result;
}

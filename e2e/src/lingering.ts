import type { Socket } from "node:net";

/** What a connection sends that never becomes a request: at first, and then every half second. */
interface Lingering {
  readonly first: string | Buffer;
  readonly more?: string | Buffer;
}

const HEAD = "GET /v1/ws HTTP/1.1\r\nHost: x\r\n";

export const LINGERING_UNANSWERED: Readonly<Record<string, Lingering>> = {
  "says nothing": { first: "" },
  "begins a line": { first: "GET /v1" },
  "trickles a line": { first: "G", more: "E" },
  "begins headers": { first: HEAD },
  "trickles a header": { first: `${HEAD}X-A: `, more: "a" },
  "trickles headers": { first: HEAD, more: "X-A: a\r\n" },
  "trickles a body": {
    first: "POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
    more: "a",
  },
};

export const LINGERING: Readonly<Record<string, Lingering>> = {
  ...LINGERING_UNANSWERED,
  "has been answered and stays": { first: "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n" },
  "asks again and again": {
    first: "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n",
    more: "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n",
  },
};

/** The beginning of a TLS record of 512 bytes with a ClientHello. */
const RECORD = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
export const LINGERING_HANDSHAKES: Readonly<Record<string, Lingering>> = {
  "says nothing": { first: "" },
  "begins a handshake": { first: RECORD },
  "trickles a handshake": { first: RECORD, more: Buffer.from([0]) },
};

const EVERY_MS = 500;

/** Whether the other side ends this connection within `withinMs`, even while it keeps sending. */
export async function endsWithin(
  socket: Socket,
  { first, more }: Lingering,
  withinMs: number,
): Promise<boolean> {
  socket.on("error", () => undefined); // A reset counts as an end too.
  socket.resume();
  const ended = new Promise<boolean>((resolve) => {
    socket.once("close", () => {
      resolve(true);
    });
    setTimeout(resolve, withinMs, false);
  });
  if (first.length > 0) socket.write(first);
  const timer = setInterval(() => {
    if (more !== undefined && !socket.destroyed) socket.write(more);
  }, EVERY_MS);
  const hasEnded = await ended;
  clearInterval(timer);
  socket.destroy();
  return hasEnded;
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
const BARE = bytesOf('{"t":"ping"}');
const OPEN = bytesOf('{"t":"ping","id":"');
const CLOSE_BYTES = 2;
const LONGEST = OPEN.length + 64 + CLOSE_BYTES;
const [SPACE, QUOTE, BACKSLASH, TILDE, END] = [0x20, 0x22, 0x5c, 0x7e, 0x7d];
const PONG = '{"t":"pong",';
const PONG_ID = '"id":"';
const ID_AT = PONG.length + PONG_ID.length;

interface Pong {
  readonly now: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The last answer for each length of an id. Within a millisecond only the id changes. */
const pongs: Pong[] = [];

function pongFor(idLength: number, now: number): Uint8Array<ArrayBuffer> {
  const known = pongs[idLength];
  if (known?.now === now) return known.bytes;
  const id = idLength === 0 ? "" : `${PONG_ID}${" ".repeat(idLength)}",`;
  const bytes = Uint8Array.from(bytesOf(`${PONG}${id}"serverTime":${now}}`));
  pongs[idLength] = { now, bytes };
  return bytes;
}

function startsWith(view: Uint8Array, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i += 1) if (view[i] !== what[i]) return false;
  return true;
}

/**
 * The answer to a JSON `ping` in the form that clients write, with or without an id. The returned bytes are
 * valid until the next call. Undefined for every other frame, and for a ping in another form: those are
 * decoded as JSON. Most frames of idle clients are such pings. An id has 1 to 64 printable ASCII characters
 * (docs/protocol.md); here only those that JSON does not escape.
 *
 * It copies byte by byte: a string for the frame, the id or the answer would cost as much as all the rest.
 */
export function plainPong(ping: ArrayBuffer, clock: { now(): number }): Uint8Array<ArrayBuffer> | undefined {
  const length = ping.byteLength;
  if (length < BARE.length || length > LONGEST) return undefined;
  const view = new Uint8Array(ping); // Half the cost of a Buffer.
  if (length === BARE.length) return startsWith(view, BARE) ? pongFor(0, clock.now()) : undefined;
  const idLength = length - CLOSE_BYTES - OPEN.length;
  const isPlain = idLength > 0 && view[length - 2] === QUOTE && view[length - 1] === END;
  if (!isPlain || !startsWith(view, OPEN)) return undefined;
  const pong = pongFor(idLength, clock.now());
  for (let i = 0; i < idLength; i += 1) {
    const code = view[OPEN.length + i] ?? 0;
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return undefined;
    pong[ID_AT + i] = code;
  }
  return pong;
}

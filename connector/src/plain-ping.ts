/** `{"t":"ping"}`, or with an id that JSON escapes nothing of (PROTOCOL: 1 to 64 printable ASCII characters). */
const PLAIN = /^\{"t":"ping"(?:,"id":"([ !#-[\]-~]{1,64})")?\}$/;
const LONGEST = 12 + 8 + 64;
const [P, I] = [0x70, 0x69];

/**
 * The id of a `ping` in JSON as clients write it, "" where it has none; undefined for every other frame, and
 * for a ping written in another way: those are read as JSON. Most of what a quiet population says is this.
 */
export function plainPing(bytes: ArrayBuffer): string | undefined {
  if (bytes.byteLength > LONGEST) return undefined;
  const view = Buffer.from(bytes);
  if (view[6] !== P || view[7] !== I) return undefined;
  const found = PLAIN.exec(view.toString("latin1"));
  return found === null ? undefined : (found[1] ?? "");
}

/** Its answer; `id` as `plainPing` gave it. */
export const pongOf = (id: string, now: number): string =>
  id === "" ? `{"t":"pong","serverTime":${now}}` : `{"t":"pong","id":"${id}","serverTime":${now}}`;

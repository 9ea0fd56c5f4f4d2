import { ChatError } from "@jichat/protocol/errors.ts";
import { CursorReader, writeInt, writePositions } from "./cursor-bytes.ts";
import type { Positions } from "./cursor-bytes.ts";

export type { Positions } from "./cursor-bytes.ts";

/** The content of a cursor. Without `identity` it comes from a version that did not name the log. */
export interface Cursor {
  readonly identity?: string | undefined;
  readonly positions: Positions;
}

/** Where the next page of a sync starts: after the conversation `after`, which was last active at `ts`. */
export interface PageCursor {
  readonly identity?: string | undefined;
  readonly since: Positions | undefined;
  readonly cursor: Positions;
  readonly ts: number;
  readonly after: string;
}

/** Upper bound: no frame or query string carries a longer cursor. */
export const CURSOR_LENGTH_MAX = 4_096;
const VERSION = 1;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
/**
 * Base64url, then `=` and the log's identity. The first builds of 0.1.0 did not know identities and stop
 * reading at the `=`, so connectors of both versions accept each other's cursors during a roll-out.
 */
const FORM = /^([A-Za-z0-9_-]+)(?:=([A-Za-z0-9_-]{11}))?$/;

const text = (bytes: readonly number[], tail: string, identity: string | undefined): string => {
  const plain = Buffer.concat([Buffer.from(bytes), Buffer.from(tail)]).toString("base64url");
  return identity === undefined ? plain : `${plain}=${identity}`;
};

function open(what: string, cursor: string): { reader: CursorReader; identity: string | undefined } {
  const refuse = (): ChatError =>
    new ChatError("FRAME_MALFORMED", `\`${what}\` is not a cursor of this cluster`);
  const [, plain, identity] = cursor.length > CURSOR_LENGTH_MAX ? [] : (FORM.exec(cursor) ?? []);
  if (plain === undefined) throw refuse();
  const bytes = Buffer.from(plain, "base64url");
  if (bytes.toString("base64url") !== plain) throw refuse(); // One cursor has one form.
  const reader = new CursorReader(bytes, refuse);
  if (reader.int() !== VERSION) throw refuse();
  return { reader, identity };
}

/** A cursor as text, opaque to clients. */
export function encodeCursor({ identity, positions }: Cursor): string {
  const bytes: number[] = [VERSION];
  writePositions(bytes, positions);
  return text(bytes, "", identity);
}

/**
 * Throws FRAME_MALFORMED for anything that `encodeCursor` did not make. It does not check whose positions
 * they are or how many there should be: `isOfThisLog` does.
 */
export function decodeCursor(cursor: string): Cursor {
  const { reader, identity } = open("since", cursor);
  const positions = reader.positions();
  reader.end();
  return { identity, positions };
}

/** A page cursor as text, for the field `page` of a `sync`. */
export function encodePage({ identity, since, cursor, ts, after }: PageCursor): string {
  const bytes: number[] = [VERSION, since === undefined ? 0 : 1];
  if (since !== undefined) writePositions(bytes, since);
  writePositions(bytes, cursor);
  writeInt(bytes, ts);
  return text(bytes, after, identity);
}

/** Like `decodeCursor`, for cursors made by `encodePage`. */
export function decodePage(page: string): PageCursor {
  const { reader, identity } = open("page", page);
  const kind = reader.int();
  if (kind > 1) throw reader.refuse();
  const since = kind === 1 ? reader.positions() : undefined;
  const cursor = reader.positions();
  const ts = reader.int();
  const after = reader.rest();
  if (!ID.test(after) || (since !== undefined && since.length !== cursor.length)) throw reader.refuse();
  return { identity, since, cursor, ts, after };
}

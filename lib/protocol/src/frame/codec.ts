import { Decoder, encode } from "@msgpack/msgpack";
import { ChatError } from "../errors.ts";
import type { BodyText } from "./body.ts";
import { RefusedMessage, idOfScanned, scanMsgpack } from "./msgpack-scan.ts";
import { parseJson } from "./parse-json.ts";
import type { EventFrame, ServerFrame } from "./server-frame.ts";
import { checkWhole } from "./whole-frame.ts";

export type CodecName = "json" | "msgpack";

/** In the server's order of preference (docs/protocol.md, Transport). */
const SUBPROTOCOLS: readonly { readonly name: string; readonly codec: CodecName }[] = [
  { name: "jichat.v1.msgpack", codec: "msgpack" },
  { name: "jichat.v1.json", codec: "json" },
];

/**
 * Chooses the subprotocol from a Sec-WebSocket-Protocol header. JSON without a name if the client offers none
 * of ours.
 */
export function chooseSubprotocol(header: string): {
  readonly name: string | undefined;
  readonly codec: CodecName;
} {
  const offered = new Set(header.split(",").map((name) => name.trim()));
  return SUBPROTOCOLS.find(({ name }) => offered.has(name)) ?? { name: undefined, codec: "json" };
}

export interface Codec {
  readonly binary: boolean;
  /**
   * Decodes one WebSocket message. Throws FRAME_MALFORMED if it is not in this encoding; the error has the
   * frame's `id` if that was readable.
   */
  read(bytes: ArrayBuffer, binary: boolean): unknown;
  /**
   * Throws FRAME_MALFORMED for values that the encoding allows and this protocol does not. Separate from
   * `read`, so that the error can name the id.
   */
  check(value: unknown): void;
  /** Encodes a frame whose bodies are JSON text. */
  write(frame: ServerFrame<BodyText>): string | Uint8Array<ArrayBuffer>;
  /** Encodes a frame that is JSON already. */
  ofJson(frame: string): string | Uint8Array<ArrayBuffer>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const malformed = (why: string, cause?: unknown): ChatError =>
  new ChatError("FRAME_MALFORMED", why, { cause });

const HALF_OR_ESCAPE = /\\(?:u(d[89a-f][0-9a-f]{2})|[^])/g;

/**
 * Replaces unpaired surrogates by U+FFFD in JSON that `JSON.stringify` made. Logs may hold such, from before
 * they were refused, and strict readers refuse the whole page or list around them. `JSON.stringify` escapes
 * unpaired surrogates only: pairs stay as they are.
 */
const wellFormedJson = (text: string): string =>
  text.includes("\\ud")
    ? text.replaceAll(HALF_OR_ESCAPE, (escape, half?: string) => (half === undefined ? escape : "\ufffd"))
    : text;

/**
 * `map` as JSON, with `text`, which is JSON already, under `key`. No body is parsed in order to be written.
 */
function jsonWith(map: object, key: string, text: string): string {
  const rest = JSON.stringify({ ...map, [key]: undefined });
  return `${rest.slice(0, -1)}${rest === "{}" ? "" : ","}"${key}":${text}}`;
}

/** JSON of a frame or an event that has at most one body, its own. */
const jsonFlat = (map: { readonly body?: BodyText | undefined }): string =>
  map.body === undefined ? JSON.stringify(map) : jsonWith(map, "body", map.body);

/**
 * The JSON of a plain message, which nearly every frame is. Written by hand, since it takes a third of the
 * time of `JSON.stringify`. Ids of users and conversations, and trace ids, have no character that JSON
 * escapes; a client's own id may.
 */
function jsonMessage(frame: EventFrame<BodyText>): string {
  const { conversation, seq, no, kind, from, ts, id, body } = frame;
  return `{"t":"event","conversation":"${conversation}","seq":${seq},"no":${no},"kind":"${kind}","from":"${from}","ts":${ts},"id":${JSON.stringify(id)},"body":${body}}`;
}

const isPlainMessage = (frame: EventFrame<BodyText>): boolean =>
  frame.kind === "message" &&
  frame.id !== undefined &&
  frame.body !== undefined &&
  frame.replyTo === undefined &&
  frame.mentions === undefined;

/** A frame as JSON text, as `jsonCodec` writes it. */
export const jsonFrame = (frame: ServerFrame<BodyText>): string => wellFormedJson(jsonOf(frame));

function jsonOf(frame: ServerFrame<BodyText>): string {
  switch (frame.t) {
    case "pong": {
      const id = frame.id === undefined ? "" : `"id":${JSON.stringify(frame.id)},`;
      return `{"t":"pong",${id}"serverTime":${frame.serverTime}}`;
    }
    case "ack": {
      const { id, conversation, seq, ts, duplicate, traceId } = frame;
      const again = duplicate === true ? `"duplicate":true,` : "";
      return `{"t":"ack","id":${JSON.stringify(id)},"conversation":"${conversation}","seq":${seq},"ts":${ts},${again}"traceId":"${traceId}"}`;
    }
    case "event":
      return isPlainMessage(frame) ? jsonMessage(frame) : jsonFlat(frame);
    case "page":
      return jsonWith(frame, "events", `[${frame.events.map(jsonFlat).join(",")}]`);
    case "synced": {
      const listed = frame.conversations.map((one) =>
        "last" in one && one.last !== undefined
          ? jsonWith(one, "last", jsonFlat(one.last))
          : JSON.stringify(one),
      );
      return jsonWith(frame, "conversations", `[${listed.join(",")}]`);
    }
    default:
      return jsonFlat(frame as { readonly body?: BodyText });
  }
}

export const jsonCodec: Codec = {
  binary: false,
  read(bytes, binary) {
    if (binary) throw malformed("a JSON frame must be a text message, and this one is binary");
    try {
      return parseJson(utf8.decode(bytes));
    } catch (cause) {
      throw malformed("this message is not JSON in UTF-8", cause);
    }
  },
  check: (value) => {
    checkWhole(value, true);
  },
  write: jsonFrame,
  ofJson: (frame) => frame,
};

/** A copy of a reply in which bodies are maps instead of text, and all text is well-formed. */
export function parsedBodies(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(parsedBodies);
  if (typeof value !== "object" || value === null) return value;
  const map: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    map[key] =
      key === "body" && typeof item === "string" ? parseJson(wellFormedJson(item)) : parsedBodies(item);
  }
  return map;
}

// Redundant after the scan, which allows no more entries than the message has bytes. A message has at most
// this many bytes: twice the largest frame that a connector may be set to accept.
const MESSAGE_BYTES_MAX = 2_097_152;
const msgpackReader = new Decoder({
  maxStrLength: MESSAGE_BYTES_MAX,
  maxArrayLength: MESSAGE_BYTES_MAX,
  maxMapLength: MESSAGE_BYTES_MAX / 2,
  maxBinLength: 0,
  maxExtLength: 0,
});

export const msgpackCodec: Codec = {
  binary: true,
  read(bytes, binary) {
    if (!binary) throw malformed("a MessagePack frame must be a binary message, and this one is text");
    const view = new Uint8Array(bytes);
    scanMsgpack(view);
    try {
      return msgpackReader.decode(view);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const refused = `this message is not MessagePack that this protocol accepts: ${why}`;
      throw new RefusedMessage(refused, idOfScanned(), cause);
    }
  },
  check: (value) => {
    checkWhole(value, false);
  },
  write: (frame) => encode(parsedBodies(frame), { ignoreUndefined: true }),
  ofJson: (frame) => encode(parseJson(frame)),
};

export const codecOf = (name: CodecName): Codec => (name === "json" ? jsonCodec : msgpackCodec);

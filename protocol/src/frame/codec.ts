import { Decoder, encode } from "@msgpack/msgpack";
import { ChatError } from "../errors.ts";
import type { BodyText } from "./body.ts";
import type { EventFrame, ServerFrame } from "./server-frame.ts";

export type CodecName = "json" | "msgpack";

/** In the server's order of preference (PROTOCOL, Transport). */
export const SUBPROTOCOLS: readonly { readonly name: string; readonly codec: CodecName }[] = [
  { name: "jichat.v1.msgpack", codec: "msgpack" },
  { name: "jichat.v1.json", codec: "json" },
];

/**
 * The subprotocol to answer with, from a Sec-WebSocket-Protocol header; JSON where none of ours is offered.
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
  /** Bytes of one WebSocket message as a value; FRAME_MALFORMED where they are not this encoding. */
  read(bytes: ArrayBuffer, binary: boolean): unknown;
  /**
   * FRAME_MALFORMED for what the encoding can say and this protocol cannot. Apart from `read`, so that the
   * error can name the id.
   */
  check(value: unknown): void;
  /** A frame whose bodies are text, as what goes on the wire. */
  write(frame: ServerFrame<BodyText>): string | Uint8Array<ArrayBuffer>;
  /** The same, of a frame that was written in JSON. */
  ofJson(frame: string): string | Uint8Array<ArrayBuffer>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const malformed = (why: string, cause?: unknown): ChatError =>
  new ChatError("FRAME_MALFORMED", why, { cause });

/**
 * `map` as JSON, with `text`, which is JSON already, under `key`. Bodies cross as text: none is parsed to be
 * written.
 */
function jsonWith(map: object, key: string, text: string): string {
  const rest = JSON.stringify({ ...map, [key]: undefined });
  return `${rest.slice(0, -1)}${rest === "{}" ? "" : ","}"${key}":${text}}`;
}

/** A frame or an event that has at most one body, its own. */
const jsonFlat = (map: { readonly body?: BodyText | undefined }): string =>
  map.body === undefined ? JSON.stringify(map) : jsonWith(map, "body", map.body);

/**
 * What nearly every frame is, written by hand: a third of what `JSON.stringify` takes. Ids of users and
 * conversations, and trace ids, have no character that JSON would escape; a client's own id may.
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

/** A frame as text; what `jsonCodec` writes. */
export function jsonFrame(frame: ServerFrame<BodyText>): string {
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
    if (binary) throw malformed("a JSON frame is a text message, this one was binary");
    try {
      return JSON.parse(utf8.decode(bytes)) as unknown;
    } catch (cause) {
      throw malformed("this message is not JSON in UTF-8", cause);
    }
  },
  check: () => undefined,
  write: jsonFrame,
  ofJson: (frame) => frame,
};

/** A copy of a reply whose bodies are maps instead of text. */
export function parsedBodies(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(parsedBodies);
  if (typeof value !== "object" || value === null) return value;
  const map: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    map[key] =
      key === "body" && typeof item === "string" ? (JSON.parse(item) as unknown) : parsedBodies(item);
  }
  return map;
}

/** Bin and ext are refused by the walk below, since the library's own limits cannot refuse an empty one. */
function refuseForeignTypes(value: unknown, inBody: boolean, depth: number): void {
  if (value === null && !inBody) throw malformed("nil stands outside `body`");
  if (typeof value !== "object" || value === null) return;
  if (depth > 64) throw malformed("the frame is nested deeper than 64");
  if (Array.isArray(value)) {
    for (const item of value) refuseForeignTypes(item, inBody, depth + 1);
    return;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype)
    throw malformed("bin and ext types are not part of this protocol");
  for (const key in value)
    refuseForeignTypes((value as Record<string, unknown>)[key], inBody || key === "body", depth + 1);
}

// A frame is at most 128 KB when it gets here, so the library's length limits are bounded by it already.
const msgpackReader = new Decoder({
  maxExtLength: 0,
  mapKeyConverter: (key) => {
    if (typeof key !== "string") throw malformed("a map has a key that is not a string");
    return key;
  },
});

export const msgpackCodec: Codec = {
  binary: true,
  read(bytes, binary) {
    if (!binary) throw malformed("a MessagePack frame is a binary message, this one was text");
    try {
      return msgpackReader.decode(bytes);
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw malformed(`this message is not MessagePack that this protocol takes: ${why}`, cause);
    }
  },
  check: (value) => {
    refuseForeignTypes(value, false, 0);
  },
  write: (frame) => encode(parsedBodies(frame), { ignoreUndefined: true }),
  ofJson: (frame) => encode(JSON.parse(frame)),
};

export const codecOf = (name: CodecName): Codec => (name === "json" ? jsonCodec : msgpackCodec);

import { decode, encode } from "@msgpack/msgpack";
import { parseJson } from "@jichat/protocol/frame/parse-json.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";

export type EncodingName = "json" | "msgpack";

export interface Encoding {
  readonly subprotocol: string;
  write(frame: object): string | Uint8Array<ArrayBuffer>;
  read(data: unknown): ServerFrame;
}

const json: Encoding = {
  subprotocol: "jichat.v1.json",
  write: (frame) => JSON.stringify(frame),
  read: (data) => parseJson(String(data)) as ServerFrame,
};

const msgpack: Encoding = {
  subprotocol: "jichat.v1.msgpack",
  write: (frame) => encode(frame, { ignoreUndefined: true }),
  read: (data) => decode(new Uint8Array(data as ArrayBuffer)) as ServerFrame,
};

export const encodingOf = (name: EncodingName): Encoding => (name === "json" ? json : msgpack);

import { parseJson } from "@jichat/protocol/frame/parse-json.ts";

/** How frames travel over a socket: as JSON text, or as `msgpack` of `@jichat/client/msgpack`. */
export interface Encoding {
  /** What the client asks the server for when it opens the socket. */
  readonly subprotocol: string;
  write(frame: object): string | Uint8Array<ArrayBuffer>;
  /** The frame in what a socket has received, not checked yet. Throws if `data` is none of this encoding. */
  read(data: unknown): unknown;
}

export const json: Encoding = {
  subprotocol: "jichat.v1.json",
  write: (frame) => JSON.stringify(frame),
  read: (data) => parseJson(String(data)),
};

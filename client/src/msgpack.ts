import { decode, encode } from "@msgpack/msgpack";
import type { Encoding } from "./encoding.ts";

/** MessagePack: frames are smaller than as JSON, and the app is larger by the code of MessagePack. */
export const msgpack: Encoding = {
  subprotocol: "jichat.v1.msgpack",
  write: (frame) => encode(frame, { ignoreUndefined: true }),
  read: (data) => decode(new Uint8Array(data as ArrayBuffer)),
};

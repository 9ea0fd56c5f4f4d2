import type { Refused } from "@jichat/protocol/bus/command.ts";

export const unavailable: Refused = {
  code: "UNAVAILABLE",
  message: "not known to be stored; send the same id again",
  retryAfterMs: 1_000,
};
export const busy: Refused = {
  code: "BUSY",
  message: "too much is waiting for this conversation",
  retryAfterMs: 1_000,
};

export const tooLarge = (bytes: number, bytesMax: number): Refused => ({
  code: "FRAME_TOO_LARGE",
  message: `this takes ${bytes} bytes inside the cluster, of which one request has ${bytesMax}`,
});

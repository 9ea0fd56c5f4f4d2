import type { Refused } from "@jichat/protocol/bus/command.ts";

export const unavailable: Refused = {
  code: "UNAVAILABLE",
  message: "it is not known whether this was stored: send the same `id` again",
  retryAfterMs: 1_000,
};
export const busy: Refused = {
  code: "BUSY",
  message: "too many commands wait for the partition of this conversation: send it again later",
  retryAfterMs: 1_000,
};

export const tooLarge = (bytes: number, bytesMax: number): Refused => ({
  code: "FRAME_TOO_LARGE",
  message: `this takes ${bytes} bytes inside the cluster, and a request holds at most ${bytesMax}: send less at once`,
});

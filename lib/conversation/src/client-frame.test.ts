import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { readClientFrame } from "./client-frame.ts";

const refused = (frame: object, level: number, code: string, message: RegExp): void => {
  assert.throws(() => readClientFrame(frame, 8_192, level), { code, message });
};

test("`state` is an unknown frame below level 2, before its fields are read", () => {
  const frame = { t: "state", id: "i", active: false };
  assert.deepEqual(readClientFrame(frame, 8_192, 2), frame);
  for (const level of [0, 1]) {
    refused(frame, level, "FRAME_UNKNOWN", /unknown frame type "state"/);
    refused({ t: "state", active: 7 }, level, "FRAME_UNKNOWN", /state/);
  }
  assert.equal(readClientFrame({ t: "ping" }, 8_192, 0).t, "ping");
});

test("`state` needs `active`, and only a boolean is one", () => {
  assert.deepEqual(readClientFrame({ t: "state", active: true }, 8_192, LEVEL_KNOWN), {
    t: "state",
    id: undefined,
    active: true,
  });
  for (const active of [undefined, null, 1, "true"])
    refused({ t: "state", active }, LEVEL_KNOWN, "FRAME_MALFORMED", /active/);
});

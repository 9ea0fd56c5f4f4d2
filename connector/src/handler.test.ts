import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import type { FrameHandlerParts } from "./handler.ts";
import { FrameHandler } from "./handler.ts";
import { Session } from "./session.ts";

const trace = { traceId: "t", span: undefined };
/** Nothing behind these frames ever answers. */
const never = async (): Promise<never> => new Promise(() => undefined);

/** A live session, and how it takes a frame at a level of the cluster. */
function scene(level = 2): { session: Session; take: (frame: object) => void; errors: string[] } {
  const turn = new FlushScheduler(() => undefined, { now: () => 0, monotonic: () => 0 });
  const errors: string[] = [];
  const session = new Session({
    address: "here",
    codec: jsonCodec,
    now: 0,
    refuseWith: undefined,
    bufferedBytesMax: 1_000,
    turn,
  });
  session.state = "live";
  session.user = "ann";
  session.acted = false;
  const parts: Partial<FrameHandlerParts> = {
    turn,
    addressBudget: undefined,
    intakeLimits: { framesPerSecond: 2, bytesPerSecond: 10_000, heldBytesMax: 20_000 },
    config: { frameBytesMax: 1_000, bodyBytesMax: 1_000 } as FrameHandlerParts["config"],
    level: { current: level },
    clock: { now: () => 0 },
    metrics: {
      countFrame: () => undefined,
      countWelcome: () => undefined,
      acked: () => undefined,
      countError: (code) => errors.push(code),
    },
    telemetry: { begin: () => trace } as unknown as FrameHandlerParts["telemetry"],
    messageBuckets: new TokenBuckets(1_000),
    byteBuckets: new TokenBuckets(1_000_000),
    memberBuckets: new TokenBuckets(1_000),
    past: { page: never },
    syncs: { page: never },
    tokens: { verify: never },
    admission: { of: () => undefined },
    directs: { of: () => "d" },
    lanes: { submit: never },
    wakeful: { now: () => 0 },
  };
  const handler = new FrameHandler(parts as FrameHandlerParts);
  const take = (frame: object): void => {
    const { buffer } = Uint8Array.from(Buffer.from(JSON.stringify(frame)));
    handler.onMessage(session, buffer, false);
  };
  return { session, take, errors };
}

const OWN = [
  { t: "send", id: "i", conversation: "g", body: {} },
  { t: "read", conversation: "g", seq: 1 },
  { t: "pull", id: "i", conversation: "g" },
  { t: "sync", id: "i" },
];
const NOT_OWN = [{ t: "ping" }, { id: "p", t: "ping" }, { t: "renew", id: "i", token: "x" }];

for (const frame of OWN)
  test(`\`${frame.t}\` is a frame of the device's own`, () => {
    const { session, take, errors } = scene();
    take(frame);
    assert.deepEqual([session.acted, errors], [true, []]);
  });

for (const frame of NOT_OWN)
  test(`\`${JSON.stringify(frame)}\` is none, though a sign of life`, () => {
    const { session, take } = scene();
    take(frame);
    assert.deepEqual([session.acted, session.life], [false, "heard"]);
  });

test("`state` says what counts until the next one, and is no frame of the device's own", () => {
  const { session, take, errors } = scene();
  assert.equal(session.saidActive, undefined);
  for (const active of [false, false, true]) {
    take({ t: "state", active });
    assert.equal(session.saidActive, active);
  }
  assert.deepEqual([session.acted, errors], [false, []]);
  take({ t: "state", active: "yes" });
  assert.deepEqual([session.saidActive, errors], [true, ["FRAME_MALFORMED"]]);
});

test("`state` is unknown below level 2, and counts for the limits like any frame", () => {
  const old = scene(1);
  old.take({ t: "state", active: false });
  assert.deepEqual([old.session.saidActive, old.errors], [undefined, ["FRAME_UNKNOWN"]]);
  const { take, errors } = scene();
  for (let i = 0; i < 8; i += 1) take({ t: "state", active: true });
  assert.deepEqual([...new Set(errors)], ["RATE_LIMITED"]);
});

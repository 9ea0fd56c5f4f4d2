import assert from "node:assert/strict";
import { test } from "node:test";
import { REFUSED_SENDS_MAX } from "@jichat/edge/send-gate.ts";
import type { Sender } from "@jichat/edge/command-lane.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import type { FrameOf } from "@jichat/conversation/client-frame.ts";

type Send = FrameOf<"send">;
import { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import type { WebSocket } from "uWebSockets.js";
import { Admission } from "./admission.ts";
import { DirectConversations } from "./direct-conversations.ts";
import { refuseSend, write } from "./ingress.ts";
import type { IngressParts } from "./ingress.ts";
import type { SocketData } from "./session.ts";
import { Session } from "./session.ts";
import { FlushScheduler } from "./flush-scheduler.ts";

type Outcome = Exclude<Answer, "later">;
const tooFast: Refused = {
  code: "RATE_LIMITED",
  message: "this user sends too many frames or bytes",
  retryAfterMs: 10,
};
const busy: Refused = { code: "BUSY", message: "no capacity", retryAfterMs: 10 };
const trace = { traceId: "t", span: undefined };
const send = (id: string, conversation = "g"): Send => ({
  t: "send",
  id,
  conversation,
  body: "{}" as BodyText,
});

/** A live session whose commands wait until the test answers them. */
function talk() {
  const closed: number[] = [];
  const asked: { command: Command; sender: Sender; resolve: (answer: Outcome) => void }[] = [];
  const session = new Session({
    address: "here",
    codec: jsonCodec,
    now: 0,
    refuseWith: undefined,
    bufferedBytesMax: 1_000,
    turn: new FlushScheduler(() => undefined),
  });
  const ws: Partial<WebSocket<SocketData>> = {
    end: (code = 0) => {
      closed.push(code);
    },
    close: () => undefined,
  };
  session.opened(ws as WebSocket<SocketData>);
  session.state = "live";
  const buckets = (): TokenBuckets => new TokenBuckets(1_000_000);
  const parts: IngressParts = {
    admission: new Admission(undefined),
    directs: new DirectConversations(),
    wakeful: new WakefulClock(systemClock),
    messageBuckets: buckets(),
    byteBuckets: buckets(),
    memberBuckets: buckets(),
    metrics: { acked: () => undefined },
    lanes: {
      submit: (command, sender) => {
        if ("id" in command && command.id === "defect") throw new TypeError("a defect");
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        asked.push({ command, sender, resolve });
        return promise;
      },
    },
  };
  /** How it ended: "acked", or the code that it was refused with. */
  const says = async (frame: Send): Promise<string> =>
    write(parts, session, frame, { trace, bytes: 10 }).then(
      () => "acked",
      (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "thrown"),
    );
  return { parts, session, closed, asked, says };
}

test("a copy refused as too fast holds no later send once its original is acked", async () => {
  const { parts, session, asked, says } = talk();
  const original = says(send("a"));
  refuseSend(parts, session, send("a"), tooFast);
  assert.equal(await says(send("b")), "RATE_LIMITED", "for all that is known a has to come again");
  asked[0]?.resolve({ seq: 1, ts: 1 });
  assert.equal(await original, "acked");
  const next = says(send("b"));
  asked[1]?.resolve({ seq: 2, ts: 1 });
  assert.equal(await next, "acked");
});

test("a copy refused as too fast holds no later send once its original is refused for good", async () => {
  const { parts, session, asked, says } = talk();
  const original = says(send("a"));
  refuseSend(parts, session, send("a"), tooFast);
  asked[0]?.resolve({ code: "FORBIDDEN", message: "no" });
  assert.equal(await original, "FORBIDDEN");
  void says(send("b"));
  assert.equal(asked.length, 2);
});

test("a refused send keeps its place when it is sent again, even after a defect", async () => {
  const { asked, says } = talk();
  const first = says(send("a"));
  asked[0]?.sender.refused?.(asked[0].command, busy);
  asked[0]?.resolve(busy);
  assert.equal(await first, "BUSY");
  assert.equal(await says(send("b")), "BUSY");
  const again = says(send("a"));
  assert.equal(await says(send("c")), "BUSY", "b has not come again");
  asked[1]?.resolve({ seq: 1, ts: 1 });
  assert.equal(await again, "acked");
  const other = talk();
  assert.equal(await other.says(send("defect")), "thrown");
  assert.equal(await other.says(send("b")), "INTERNAL");
  void other.says(send("b", "h"));
  assert.equal(other.asked.length, 1, "another conversation goes on");
});

test("a socket is closed at the first refused send over the limit", () => {
  const { parts, session, closed } = talk();
  for (let i = 0; i < REFUSED_SENDS_MAX; i += 1)
    refuseSend(parts, session, send(`m${i}`, `g${i % 9}`), tooFast);
  assert.deepEqual([session.isOpen, closed], [true, []]);
  refuseSend(parts, session, send("one more"), tooFast);
  assert.deepEqual([session.isOpen, closed], [false, [CLOSE.tooMany]]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { inputOf } from "../../test/input.ts";
import { canaryDeployment } from "../desired/canary.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import type { Told } from "../talk/talk.ts";
import { CanaryWatch } from "./canary-watch.ts";

const OK: Told = { outcome: "ok", why: "", ms: 20, nextPartition: 3, delayMs: 5 };
const INPUT = inputOf();
const SERVICE = "ws://chat-connector.people.svc/v1/ws";

const canary = (
  but: { uid?: string; podIP?: string; isReady?: boolean; input?: typeof INPUT } = {},
): Observed => {
  const { uid = "u1", podIP = "10.0.0.7", isReady = true, input = INPUT } = but;
  const { labels } = canaryDeployment(input).spec.template.metadata;
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
  const metadata = { name: `chat-canary-${uid}`, namespace: "people", uid, labels };
  const status = { phase: "Running", podIP, conditions };
  return new Observed([{ apiVersion: "v1", kind: "Pod", metadata, status } as unknown as KubeObject]);
};

interface Asked {
  readonly a: string;
  readonly b: string;
  readonly back: string;
  readonly from: number;
}

function staged(says: (asked: Asked) => Told = () => OK) {
  const clock = new HandClock();
  const asked: Asked[] = [];
  const signals: AbortSignal[] = [];
  const watch = new CanaryWatch({
    clock,
    talk: async (plan, from, signal) => {
      const { url, other = plan, back = other, devices } = plan;
      assert.equal(devices, "synthetic-canary");
      const one = { a: url, b: other.url, back: back.url, from };
      asked.push(one);
      signals.push(signal);
      return says(one);
    },
  });
  /** Some rounds, and what they come to. */
  const rounds = async (count: number, observed = canary(), input = INPUT) => {
    watch.look("people/chat", input, observed);
    for (let at = 0; at < count; at += 1) {
      for (let some = 0; some < 20; some += 1) await turn();
      await clock.pass(500);
    }
    for (let some = 0; some < 20; some += 1) await turn();
    return watch.look("people/chat", input, observed);
  };
  return { watch, asked, signals, rounds };
}

test("devices talk both ways between the canary's own address and the Service, until it is proven", async () => {
  const { asked, rounds } = staged();
  assert.deepEqual(await rounds(10), {
    state: "proven",
    message: "devices on it and on connectors that serve sent, received and resumed, both ways",
  });
  const own = "ws://10.0.0.7:8081/v1/ws";
  const round = (from: number): readonly Asked[] => [
    { a: SERVICE, b: SERVICE, back: SERVICE, from },
    { a: own, b: SERVICE, back: own, from },
    { a: SERVICE, b: own, back: SERVICE, from: 3 },
  ];
  assert.deepEqual(asked, [...round(0), ...round(3), ...round(3)]);
});

test("an IPv6 address is in brackets, and connectors with a certificate are asked by TLS", async () => {
  const { asked, rounds } = staged();
  const connectors = { replicas: 2, tls: { secret: "t", host: "chat.example" } };
  const input = { ...inputOf({ connectors }), tls: { "tls.crt": "certificate", "tls.key": "key" } };
  await rounds(1, canary({ podIP: "fd00::7", input }), input);
  assert.deepEqual(asked[1], {
    a: "wss://[fd00::7]:8081/v1/ws",
    b: "wss://chat-connector.people.svc:80/v1/ws",
    back: "wss://[fd00::7]:8081/v1/ws",
    from: 0,
  });
});

test("a canary that is not ready is not asked, and one that loses messages fails", async () => {
  const silent = staged();
  assert.equal((await silent.rounds(3, canary({ isReady: false }))).state, "proving");
  assert.deepEqual(silent.asked, []);
  const lossy = staged(({ a }) =>
    a === SERVICE ? OK : { ...OK, outcome: "receive", why: "nothing was received within 10 s" },
  );
  const { state, message } = await lossy.rounds(3);
  assert.equal(state, "failed");
  assert.match(message, /^from the canary to a connector that serves, receive fails: nothing/);
  assert.equal(lossy.asked.length, 6, "it is not asked any more");
});

test("another pod has to prove itself anew, and nothing is asked once no canary is wanted", async () => {
  const { watch, asked, signals, rounds } = staged();
  assert.equal((await rounds(5)).state, "proven");
  assert.equal(watch.look("people/chat", INPUT, canary({ uid: "u2" })).state, "proving");
  for (let some = 0; some < 20; some += 1) await turn();
  assert.ok(asked.length > 9);
  watch.forget("people/chat");
  assert.equal(signals.at(-1)?.aborted, true);
  const { length } = asked;
  for (let some = 0; some < 20; some += 1) await turn();
  assert.equal(asked.length, length);
  // A new template has another revision: the pod that is there is not its canary.
  assert.deepEqual(watch.look("people/chat", { ...INPUT, version: "9.9.9" }, canary()), {
    state: "proving",
    message: "its pod is not there yet",
  });
});

test("a canary that nobody asks about any more is left alone", async () => {
  // Nobody can talk: without an end this would go on for ever.
  const down = (): Told => ({ ...OK, outcome: "connect", why: "refused" });
  const asked = staged(down);
  await asked.rounds(119);
  assert.equal(asked.signals[0]?.aborted, false);
  const unasked = staged(down);
  await unasked.rounds(125);
  assert.equal(unasked.signals[0]?.aborted, true);
});

test("where connectors that serve cannot talk, it proves itself alone", async () => {
  const { asked, rounds } = staged(({ a }) =>
    a === SERVICE ? { ...OK, outcome: "connect", why: "refused" } : OK,
  );
  const { state, message } = await rounds(6);
  assert.equal(state, "proven");
  assert.match(message, /connectors that serve cannot talk$/);
  assert.deepEqual(asked[1], { a: asked[1]?.a, b: asked[1]?.a, back: asked[1]?.a, from: 0 });
});

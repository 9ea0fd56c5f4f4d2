import assert from "node:assert/strict";
import { test } from "node:test";
import { DOWN, NOTIFICATION, SENT, isOutcome, never } from "../test/pushes.ts";
import type { Outcome, Provider } from "./provider.ts";
import { SwappedProvider } from "./swapped-provider.ts";

const TARGET = { kind: "webhook", token: "token" } as const;

/** A provider whose calls end when the test says so. */
function held() {
  const calls: ((outcome: Outcome) => void)[] = [];
  let closed = 0;
  const provider: Provider = {
    kind: "webhook",
    circuitOf: () => "circuit",
    send: () =>
      new Promise((resolve) => {
        calls.push(resolve);
      }),
    close: () => {
      closed += 1;
    },
  };
  return { provider, calls, closed: () => closed };
}

test("an earlier provider is closed once its last call has ended", async () => {
  const swapped = new SwappedProvider("webhook");
  const [old, present] = [held(), held()];
  swapped.swap(old.provider);
  const sending = [1, 2].map(async () => swapped.send(TARGET, NOTIFICATION, never));
  swapped.swap(present.provider);
  const later = swapped.send(TARGET, NOTIFICATION, never);
  assert.deepEqual([old.calls.length, present.calls.length, old.closed()], [2, 1, 0]);
  old.calls[0]?.({ is: "sent" });
  await sending[0];
  assert.equal(old.closed(), 0);
  old.calls[1]?.({ is: "sent" });
  await sending[1];
  assert.equal(old.closed(), 1);
  present.calls[0]?.({ is: "sent" });
  assert.deepEqual(await later, SENT);
  assert.equal(present.closed(), 0);
  swapped.close();
  assert.deepEqual([old.closed(), present.closed()], [1, 1]);
});

test("one that nobody calls is closed at once, and so is one whose call fails", async () => {
  const swapped = new SwappedProvider("webhook");
  const idle = held();
  swapped.swap(idle.provider);
  swapped.swap(undefined);
  assert.deepEqual([idle.closed(), swapped.isOn], [1, false]);
  const failing = held();
  swapped.swap({ ...failing.provider, send: async () => Promise.reject(new Error("a defect")) });
  const sending = swapped.send(TARGET, NOTIFICATION, never);
  swapped.swap(undefined);
  await assert.rejects(sending, /a defect/);
  assert.equal(failing.closed(), 1);
});

test("without a provider a push waits", async () => {
  const swapped = new SwappedProvider("webhook");
  isOutcome(await swapped.send(TARGET, NOTIFICATION, never), DOWN, /no credentials/, ["token"]);
  assert.equal(swapped.circuitOf(TARGET), "");
  swapped.swap(held().provider);
  assert.equal(swapped.circuitOf(TARGET), "circuit");
  swapped.close();
});

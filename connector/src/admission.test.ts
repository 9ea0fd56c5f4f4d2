import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WriteFrame } from "@jichat/conversation/client-frame.ts";
import { readClientFrame } from "@jichat/conversation/client-frame.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Existence } from "@jichat/identity/existence.ts";
import { Admission } from "./admission.ts";

const frame = (fields: object): WriteFrame => {
  const read = readClientFrame({ id: "1", ...fields }, 8_192, LEVEL_KNOWN);
  assert.ok(
    read.t === "send" || read.t === "create" || read.t === "invite" || read.t === "remove",
    `${read.t} is no write of these tests`,
  );
  return read;
};
const body = { text: "x" };
const to = (user: string): WriteFrame => frame({ t: "send", to: user, body });
const said = frame({ t: "send", conversation: "c", body });

/** Questions are answered when the test says so. */
function scene(answer: (user: string) => boolean): {
  admission: Admission;
  open: () => Promise<void>;
} {
  const gate = Promise.withResolvers<void>();
  const existence = new Existence({
    isComplete: true,
    has: async (user) => {
      await gate.promise;
      return answer(user);
    },
  });
  return {
    admission: new Admission(existence),
    open: async () => {
      gate.resolve();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}

test("writes of a socket to a conversation wait behind its first message, in order of arrival", async () => {
  const { admission, open } = scene(() => true);
  const socket = {};
  const order: number[] = [];
  const frames = [to("bob"), said, to("bob"), said, said, to("bob")];
  frames.forEach((one, index) => {
    const verdict = admission.of(socket, "c", one);
    assert.ok(verdict !== undefined, `${index} waits`);
    void (async () => {
      assert.equal(await verdict, undefined);
      order.push(index);
    })();
  });
  assert.equal(admission.of(socket, "d", said), undefined, "another conversation does not wait");
  assert.equal(admission.of({}, "c", said), undefined, "nor does another socket");
  await open();
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  assert.equal(admission.of(socket, "c", to("bob")), undefined, "a known name costs a look-up");
});

test("each write to an unknown user is refused, and a write to a known conversation is not checked", async () => {
  const { admission, open } = scene(() => false);
  const socket = {};
  const verdicts = [to("bbo"), said, to("bbo")].map(async (one) => admission.of(socket, "c", one));
  await open();
  const told = await Promise.all(verdicts);
  assert.deepEqual(
    told.map((verdict) => verdict?.code),
    ["NOT_FOUND", undefined, "NOT_FOUND"],
  );
  assert.match(told[0]?.message ?? "", /bbo/);
});

test("the users of `create` and `invite` are checked, and those of `remove` are not", async () => {
  const { admission, open } = scene((user) => user === "ann");
  const group = { conversation: "g" };
  const frames = [
    frame({ t: "create", kind: "group", name: "G", members: ["ann", "bbo"] }),
    frame({ t: "invite", ...group, users: ["bbo", "ann"] }),
    frame({ t: "invite", ...group, users: ["ann"] }),
    frame({ t: "remove", ...group, users: ["bbo"] }),
  ];
  const verdicts = frames.map(async (one) => admission.of({}, "g", one));
  await open();
  assert.deepEqual(
    (await Promise.all(verdicts)).map((verdict) => verdict?.code),
    ["NOT_FOUND", "NOT_FOUND", undefined, undefined],
  );
});

test("a check that fails is a retryable refusal", async () => {
  const existence = new Existence({
    isComplete: true,
    has: async () => Promise.reject(new ChatError("UNAVAILABLE", "down", { retryAfterMs: 7 })),
  });
  const told = await new Admission(existence).of({}, "c", to("bob"));
  assert.deepEqual([told?.code, told?.retryAfterMs], ["UNAVAILABLE", 7]);
});

test("no user is looked up if the check is off", () => {
  assert.equal(new Admission(undefined).of({}, "c", to("bob")), undefined);
});

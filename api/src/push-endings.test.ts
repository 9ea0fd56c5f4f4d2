import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { PushEndings } from "./push-endings.ts";

const registrationOf = (device: string, tokenId: string, registeredAt = 10): PushRegistration => ({
  device,
  target: { kind: "fcm", token: `of ${device}` },
  locale: "en",
  preview: "text",
  registeredAt,
  tokenId,
});

/** ann's devices, what Redis knows of their tokens (`undefined` if it does not answer), and what was done. */
function world(
  devices: PushRegistration[],
  tokens: Readonly<Record<string, string>> | undefined,
  connectedAt = 20,
) {
  const done: string[] = [];
  const state = { devices, isDown: false };
  const pushes = new PushEndings({
    telemetry: { log: pino({ level: "silent" }) },
    presence: {
      devices: async () => {
        if (tokens === undefined) throw new Error("Redis is gone");
        return Object.entries(tokens).map(([device, tokenId]) => ({
          device,
          isConnected: true,
          credential: {
            tokenId,
            issuedAt: 1,
            expiresAt: 1e15,
            revision: undefined,
            connectedAt,
            client: undefined,
          },
        }));
      },
    },
    pushDevices: {
      of: async () => state.devices,
      removeWhere: async (_, isOver) => {
        if (state.isDown) throw new ChatError("UNAVAILABLE", "KV is gone");
        const gone = state.devices.filter(isOver);
        state.devices = state.devices.filter((one) => !isOver(one));
        if (gone.length > 0) done.push(`without ${gone.map(({ device }) => device).join()}`);
        return gone.length > 0;
      },
      moveToToken: async (_, isMoved, tokenId) => {
        state.devices = state.devices.map((one) => (isMoved(one) ? { ...one, tokenId } : one));
      },
    },
  });
  const act = (what: string) => async (): Promise<string> => {
    done.push(what);
    return "new";
  };
  const left = (): string[] => state.devices.map(({ device, tokenId }) => `${device} ${tokenId}`);
  return { pushes, state, done, act, left };
}
const both = (): PushRegistration[] => [registrationOf("laptop", "t1"), registrationOf("phone", "t2")];
const ann = (tokenId: string) => ({ user: "ann", tokenId });

test("registrations go before the token is void, and once more if it registered a device meanwhile", async () => {
  const { pushes, state, done, left } = world(both(), {});
  await pushes.withToken(ann("t1"), async () => {
    done.push("void");
    state.devices = [...state.devices, registrationOf("tablet", "t1")];
  });
  assert.deepEqual(done, ["without laptop", "void", "without tablet"]);
  assert.deepEqual(left(), ["phone t2"]);
});

test("if registrations cannot be removed the token stays good; if only the second time, it is void", async () => {
  const { pushes, state, done, act } = world(both(), {});
  state.isDown = true;
  await assert.rejects(pushes.withToken(ann("t1"), act("void")), { code: "UNAVAILABLE" });
  assert.deepEqual(done, []);
  state.isDown = false;
  await pushes.withToken(ann("t1"), async () => {
    state.isDown = true;
  });
  assert.deepEqual(done, ["without laptop"]);
});

test("a device has the token that it connected with since it registered; else the one that registered it", async () => {
  const newer = world(both(), { phone: "t3" });
  await newer.pushes.withToken(ann("t2"), newer.act("void"));
  assert.deepEqual(newer.left(), ["laptop t1", "phone t2"]);
  await newer.pushes.withToken(ann("t3"), newer.act("void"));
  assert.deepEqual(newer.left(), ["laptop t1"]);
  const older = world(both(), { phone: "t0" }, 5);
  await older.pushes.withToken(ann("t0"), older.act("void"));
  assert.deepEqual(older.left(), ["laptop t1", "phone t2"]);
  const unknown = world(both(), undefined);
  await unknown.pushes.withToken(ann("t2"), unknown.act("void"));
  assert.deepEqual(unknown.left(), ["laptop t1"]);
});

test("all but those of a token end, all end, one device ends; and a new password has its new token", async () => {
  const others = world(both(), {});
  await others.pushes.withOthers(ann("t1"), others.act("ended"));
  assert.deepEqual(others.left(), ["laptop t1"]);
  const all = world(both(), {});
  await all.pushes.withAll("ann", all.act("ended"));
  assert.deepEqual(all.left(), []);
  const one = world(both(), {});
  assert.equal(await one.pushes.withDevice(ann("t1"), "phone", async (had) => had), true);
  assert.equal(await one.pushes.withDevice(ann("t1"), "phone", async (had) => had), false);
  assert.deepEqual(one.left(), ["laptop t1"]);

  const changed = world(both(), {});
  const done = changed.pushes.withOldTokens(
    ann("t1"),
    changed.act("changed"),
    async (token) => `id of ${token}`,
  );
  assert.equal(await done, "new");
  assert.deepEqual(changed.done, ["without phone", "changed"]);
  assert.deepEqual(changed.left(), ["laptop id of new"]);
  const failing = world(both(), {});
  const wrong = async (): Promise<never> => Promise.reject(new ChatError("CONFLICT", "changed meanwhile"));
  await assert.rejects(
    failing.pushes.withOldTokens(ann("t1"), wrong, async () => "none"),
    { code: "CONFLICT" },
  );
  const unnamed = world(both(), {});
  const nameless = async (): Promise<never> => Promise.reject(new ChatError("UNAVAILABLE", "not known"));
  assert.equal(await unnamed.pushes.withOldTokens(ann("t1"), unnamed.act("changed"), nameless), "new");
  assert.deepEqual(unnamed.left(), ["laptop t1"], "the change itself has succeeded");
});

test("with the session of a tab ends what its browser registered, unless another tab or the caller has its token", async () => {
  const browser = (): PushRegistration[] => [...both(), registrationOf("push-browser", "t3")];
  const last = world(browser(), { tab: "t3", phone: "t2" });
  assert.equal(await last.pushes.withDevice(ann("t1"), "tab", async (had) => had), false);
  assert.deepEqual(last.left(), ["laptop t1", "phone t2"]);
  const shared = world(browser(), { tab: "t3", "tab-2": "t3" });
  await shared.pushes.withDevice(ann("t1"), "tab", async () => "ended");
  assert.equal(shared.left().length, 3);
  const own = world(browser(), { tab: "t3" });
  await own.pushes.withDevice(ann("t3"), "tab", async () => "ended");
  assert.equal(own.left().length, 3);
  const unknown = world(browser(), undefined);
  await unknown.pushes.withDevice(ann("t1"), "phone", async () => "ended");
  assert.deepEqual(unknown.left(), ["laptop t1", "push-browser t3"]);
});

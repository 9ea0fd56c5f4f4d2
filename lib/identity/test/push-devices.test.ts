import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { PUSH_OFFER_KEY, pushOfferText } from "@jichat/protocol/bus/push-offer.ts";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_DEVICES_MAX } from "@jichat/protocol/bus/push-registration.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { PushDevices } from "../src/push-devices.ts";
import { PushOffers } from "../src/push-offers.ts";

const names = namesOf("pushed");
const fcm = (token: string) => ({ kind: "fcm", token }) as const;
const registrationOf = (device: string, token: string, registeredAt = 1): PushRegistration => ({
  device,
  target: fcm(token),
  locale: "en",
  preview: "text",
  registeredAt,
});

async function open(t: TestContext, servers: 1 | 3) {
  const nats = await startNatsServers(servers);
  t.after(async () => nats.destroy());
  const connection = await connect({ servers: [...nats.urls], waitOnFirstConnect: true });
  t.after(() => connection.close());
  const options = { replicas: servers, allow_direct: false };
  const buckets = [names.pushDevices, names.settings];
  for (const bucket of buckets)
    for (let tries = 0; ; tries += 1)
      try {
        await new Kvm(connection).create(bucket, options);
        break;
      } catch (error) {
        if (tries > 100) throw error; // The leader is still being elected.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
  const messages = async (): Promise<number> => {
    const jsm = await jetstreamManager(connection);
    return (await jsm.streams.info(`KV_${names.pushDevices}`)).state.messages;
  };
  return { connection, devices: await PushDevices.open(connection, names), messages };
}
const usersOf = async (devices: PushDevices): Promise<string[]> => {
  const found: string[] = [];
  for await (const user of devices.users()) found.push(user);
  return found.sort();
};
const heldBy = async (devices: PushDevices, user: string): Promise<string[]> =>
  (await devices.of(user)).map(({ device, target }) => `${device} ${"token" in target ? target.token : ""}`);

for (const servers of [1, 3] as const)
  test(`on ${servers} real nats-server(s) registrations are replaced, moved, removed, and leave nothing behind`, async (t) => {
    const { devices, messages } = await open(t, servers);
    await devices.put("ann", registrationOf("phone", "t1"));
    for (let i = 2; i <= 30; i += 1) await devices.put("ann", registrationOf("phone", `t${i}`));
    assert.deepEqual(await heldBy(devices, "ann"), ["phone t30"]);
    assert.equal(await messages(), 2, "a user and a target: replaced tokens leave no trace");

    await devices.put("bob", registrationOf("tablet", "t30"));
    assert.deepEqual([await heldBy(devices, "ann"), await heldBy(devices, "bob")], [[], ["tablet t30"]]);
    assert.deepEqual(await usersOf(devices), ["bob"]);

    const many = Array.from({ length: PUSH_DEVICES_MAX + 3 }, (_, i) => registrationOf(`d${i}`, `m${i}`, i));
    for (const one of many) await devices.put("ann", one);
    assert.deepEqual(
      await heldBy(devices, "ann"),
      many.slice(3).map(({ device }) => `${device} ${device.replace("d", "m")}`),
    );
    await devices.put("cid", registrationOf("phone", "m0"));
    assert.equal((await devices.of("ann")).length, PUSH_DEVICES_MAX, "m0 did not belong to ann any more");

    assert.equal(await devices.removeIfStill("ann", "d5", fcm("m6")), false);
    assert.equal(await devices.removeIfStill("ann", "d5", fcm("m5")), true);
    await devices.moveToToken("ann", ({ device }) => device === "d6", "token-2");
    assert.equal((await devices.of("ann")).find(({ device }) => device === "d6")?.tokenId, "token-2");
    assert.equal(await devices.removeAll("ann"), true);
    assert.deepEqual(await usersOf(devices), ["bob", "cid"]);
    assert.equal(await messages(), 5, "two users with their targets, and the mark of ann's deletion");
    await devices.put("ann", registrationOf("phone", "t1"));
    assert.deepEqual(await heldBy(devices, "ann"), ["phone t1"]);
  });

test("accounts that register one target at once leave it with one of them", async (t) => {
  const { devices } = await open(t, 1);
  const users = ["ann", "bob", "cid", "dan"];
  for (let round = 0; round < 10; round += 1) {
    const racing = users.map(async (user) =>
      devices.put(user, registrationOf("phone", `shared-${round}`)).catch((error: unknown) => {
        if (!(error instanceof ChatError) || error.code !== "CONFLICT") throw error;
      }),
    );
    await Promise.all(racing);
    const held = (await Promise.all(users.map(async (user) => heldBy(devices, user)))).flat();
    assert.deepEqual(
      held.filter((one) => one === `phone shared-${round}`),
      [`phone shared-${round}`],
    );
  }
});

test("what the cluster offers is what a worker wrote last, and nothing before that", async (t) => {
  const { connection } = await open(t, 1);
  const offers = await PushOffers.open(connection, names);
  assert.deepEqual(await offers.read(), { v: 1, kinds: [] });
  const kv = await new Kvm(connection).open(names.settings);
  await kv.put(PUSH_OFFER_KEY, pushOfferText({ kinds: ["webpush"], vapidPublicKey: "key" }));
  assert.deepEqual(await offers.read(), { v: 1, kinds: ["webpush"], vapidPublicKey: "key" });
  await connection.close();
  await assert.rejects(offers.read(), { code: "UNAVAILABLE" });
});

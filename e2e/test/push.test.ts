import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { registeredPush, signIn, signOut, signUp } from "@jichat/client";
import type { ChatClient } from "@jichat/client/chat-client.ts";
import { until } from "@jichat/testkit/until.ts";
import { DarkProxy } from "../src/dark-proxy.ts";
import { hoursAround } from "../src/push/hours.ts";
import { PushScene, WITNESS } from "../src/push/push-scene.ts";
import { sleep } from "../src/scene.ts";

/** Workers follow the registrations: also on a busy machine they have heard of a change by then. */
const HEARD_MS = 3_000;
const BEAT_MS = 1_500;
const PATIENCE_MS = 20_000;
const MENTIONS_ONLY_ABOVE = 6;
/** docs/protocol.md. */
const UNSAID_ACTIVE_MS = 60_000;
/** A user's unread messages are counted as often. */
const BADGE_MS = 2_000;

/** One row of "who is away", on a group of its own. Nobody else's devices are in it but the witness. */
type Row = (scene: PushScene, ann: ChatClient, t: TestContext) => Promise<void>;

/** Ann's group with these users and the witness. */
async function group(ann: ChatClient, name: string, ...users: readonly string[]): Promise<string> {
  return (await ann.createGroup(name, [...users, WITNESS])).conversation;
}

/** Ann writes. Resolves with the seq. */
async function say(
  ann: ChatClient,
  conversation: string,
  text = "Hello",
  mentions?: string[],
): Promise<number> {
  const { seq } = await ann.send({ conversation }, { text }, mentions === undefined ? {} : { mentions });
  return seq;
}

/** Ann writes, and whoever has to hear of it has. */
async function tell(
  scene: PushScene,
  ann: ChatClient,
  conversation: string,
  mentions?: string[],
): Promise<number> {
  const seq = await say(ann, conversation, "Hello", mentions);
  await scene.settled(conversation, seq);
  return seq;
}

const isNotFound = { code: "NOT_FOUND" };

const ROWS: Readonly<Record<string, Row>> = {
  "away: each device is told in its language, as much as it asked for, with the right badge": async (
    scene,
    ann,
  ) => {
    await scene.away("amy");
    await scene.webhook("amy", "phone");
    await scene.webhook("amy", "tablet", { preview: "none", locale: "zh-CN" });
    await scene.browser("amy", "web", { preview: "sender", locale: "zh" });
    const [tea, work] = [await group(ann, "Tea", "amy"), await group(ann, "Work", "amy")];
    const first = await tell(scene, ann, tea);
    const words = scene
      .told("amy")
      .map(({ device, title, text, count, sound }) => ({ device, title, text, count, sound }));
    assert.deepEqual(
      words.toSorted((a, b) => (a.device < b.device ? -1 : 1)),
      [
        { device: "phone", title: "Tea", text: "ann: Hello", count: 1, sound: true },
        { device: "tablet", title: "新消息", text: "您有 1 条新消息", count: 1, sound: true },
        { device: "web", title: "Tea", text: "ann发来一条消息", count: 1, sound: true },
      ],
    );
    const second = await tell(scene, ann, tea);
    const other = await tell(scene, ann, work);
    await sleep(BADGE_MS);
    const last = await tell(scene, ann, tea);
    const told = (device: string): string[] => [
      `${device} notification ${first}, badge 1`,
      `${device} notification ${second}, badge 2`,
      `${device} notification ${other}, badge 3`,
      `${device} notification ${last}, badge 4`,
    ];
    assert.deepEqual(scene.inShort("amy"), ["phone", "tablet", "web"].flatMap(told));
  },

  "live and active: no device of the user is told": async (scene, ann) => {
    await scene.live("ben", "laptop", true);
    await scene.webhook("ben", "laptop");
    await scene.webhook("ben", "phone");
    await tell(scene, ann, await group(ann, "B", "ben"));
    assert.deepEqual(scene.inShort("ben"), []);
  },

  "live and idle: the device that is away is told, the live one is not": async (scene, ann) => {
    const laptop = await scene.live("cat", "laptop", false);
    await scene.webhook("cat", "laptop");
    await scene.webhook("cat", "phone");
    const conversation = await group(ann, "C", "cat");
    const seq = await tell(scene, ann, conversation);
    laptop.setActive(true);
    await sleep(BADGE_MS); // Longer than activity is remembered.
    await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("cat"), [`phone notification ${seq}, badge 1`]);
  },

  "live without a word about it: it counts as active for 60 s after what it did last": async (scene, ann) => {
    const laptop = await scene.live("zoe", "laptop", undefined);
    await scene.webhook("zoe", "laptop");
    await scene.webhook("zoe", "phone");
    const conversation = await group(ann, "Z", "zoe");
    const first = await tell(scene, ann, conversation);
    await laptop.read(conversation, first);
    const actedAt = performance.now();
    await sleep(UNSAID_ACTIVE_MS - HEARD_MS - (performance.now() - actedAt));
    await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("zoe"), []);
    await sleep(UNSAID_ACTIVE_MS + HEARD_MS - (performance.now() - actedAt));
    const last = await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("zoe"), [`phone notification ${last}, badge 2`]);
  },

  "muted: nothing, and it counts for no badge": async (scene, ann) => {
    const [loud, quiet] = [await group(ann, "D1", "dan"), await group(ann, "D2", "dan")];
    await scene.away("dan", async (client) => client.mute(quiet));
    await scene.webhook("dan", "phone");
    await tell(scene, ann, quiet);
    const seq = await tell(scene, ann, loud);
    assert.deepEqual(scene.inShort("dan"), [`phone notification ${seq}, badge 1`]);
  },

  "muted until: nothing before, and everything after": async (scene, ann) => {
    const conversation = await group(ann, "E", "eve");
    let ends = 0;
    await scene.away("eve", async (client) => {
      ends = client.serverTime() + 6_000;
      await client.mute(conversation, { until: ends });
    });
    await scene.webhook("eve", "phone");
    await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("eve"), []);
    await sleep(ends - ann.serverTime() + 1_000);
    const seq = await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("eve"), [`phone notification ${seq}, badge 2`]);
  },

  "mentionsOnly: a mention alone, without a sound, and it counts for no badge": async (scene, ann) => {
    const [loud, quiet] = [await group(ann, "F1", "fay"), await group(ann, "F2", "fay")];
    await scene.away("fay", async (client) => client.mute(quiet, { mentionsOnly: true }));
    await scene.webhook("fay", "phone");
    await tell(scene, ann, quiet);
    const unmuted = await tell(scene, ann, loud);
    const mention = await tell(scene, ann, quiet, ["fay"]);
    assert.deepEqual(scene.inShort("fay"), [
      `phone notification ${unmuted}, badge 1`,
      `phone notification ${mention}, badge 1`,
    ]);
    assert.deepEqual(
      scene.told("fay").map(({ sound, text }) => [sound, text]),
      [
        [true, "ann: Hello"],
        [false, "ann mentioned you: Hello"],
      ],
    );
  },

  "quiet hours: they are those of the device's time zone": async (scene, ann) => {
    await scene.away("gus");
    const hours = hoursAround(new Date(), "Asia/Tokyo");
    await scene.webhook("gus", "phone", { quiet: { ...hours, zone: "Asia/Tokyo" } });
    await scene.webhook("gus", "tablet", { quiet: { ...hours, zone: "UTC" } });
    const seq = await tell(scene, ann, await group(ann, "G", "gus"));
    assert.deepEqual(scene.inShort("gus"), [`tablet notification ${seq}, badge 1`]);
  },

  "read on another device while the provider is slow: what waits is not sent": async (scene, ann, t) => {
    const service = await scene.ownService(t);
    const laptop = await scene.live("hal", "laptop", false);
    await scene.browser("hal", "web", { service });
    const conversation = await group(ann, "H", "hal");
    service.faults.next({ is: "slow", ms: 4_000 });
    const first = await say(ann, conversation);
    await sleep(700);
    const second = await say(ann, conversation);
    await laptop.read(conversation, second);
    await scene.settled(conversation, second);
    assert.deepEqual(scene.inShort("hal"), [
      `web notification ${first}, badge 1`,
      `web withdrawal ${first}, badge 0`,
    ]);
  },

  "recalled or edited while the provider is slow: what waits is not sent, or says its latest words": async (
    scene,
    ann,
    t,
  ) => {
    const service = await scene.ownService(t);
    await scene.away("rex");
    await scene.browser("rex", "web", { service });
    const conversation = await group(ann, "R", "rex");
    service.faults.next({ is: "slow", ms: 4_000 });
    const first = await say(ann, conversation, "first");
    await sleep(700);
    const secret = await say(ann, conversation, "a secret");
    const slip = await say(ann, conversation, "a slip");
    await ann.recall(conversation, secret);
    await ann.edit(conversation, slip, { text: "mended" });
    await scene.settled(conversation, slip);
    assert.deepEqual(
      scene.told("rex").map(({ is, seq, text }) => [is, seq, text]),
      [
        ["notification", first, "ann: first"],
        ["notification", slip, "ann: mended"],
      ],
    );
  },

  "read on another device afterwards: it is withdrawn, with the new badge": async (scene, ann) => {
    await scene.away("ida");
    await scene.webhook("ida", "phone");
    const [one, other] = [await group(ann, "I1", "ida"), await group(ann, "I2", "ida")];
    const first = await tell(scene, ann, one);
    const second = await tell(scene, ann, other);
    const laptop = await scene.live("ida", "laptop", false);
    await laptop.read(one, first);
    const told = await until("the withdrawal", PATIENCE_MS, () => {
      const told = scene.inShort("ida");
      return told.length > 2 ? told : undefined;
    });
    assert.deepEqual(told, [
      `phone notification ${first}, badge 1`,
      `phone notification ${second}, badge 2`,
      `phone withdrawal ${first}, badge 1`,
    ]);
  },

  "half-open: what was written to a socket that stopped answering is told after the silence": async (
    scene,
    ann,
    t,
  ) => {
    const proxy = await DarkProxy.before(scene.stack.wsUrls[0] ?? "");
    t.after(() => {
      proxy.close();
    });
    const phone = await scene.live("jon", "phone", true, { urls: [proxy.url] });
    await scene.webhook("jon", "phone");
    await scene.webhook("jon", "tablet");
    const conversation = await group(ann, "J", "jon");
    const heard = phone.events();
    await tell(scene, ann, conversation);
    for await (const notice of heard) if (notice.t === "event" && notice.event.kind === "message") break;
    await sleep(2 * BEAT_MS); // It answers a ping: that one has arrived.
    assert.deepEqual(scene.inShort("jon"), []);
    proxy.isDark = true;
    const lost = await tell(scene, ann, conversation);
    const told = await until("both devices are told", PATIENCE_MS, () => {
      const told = scene.inShort("jon");
      return told.length > 1 ? told : undefined;
    });
    assert.deepEqual(told, [`phone notification ${lost}, badge 2`, `tablet notification ${lost}, badge 2`]);
  },

  "a token that another account registers moves there at once": async (scene, ann) => {
    await scene.away("kim");
    await scene.away("leo");
    const conversation = await group(ann, "K", "kim", "leo");
    await scene.webhook("kim", "phone", { token: "one-phone" });
    const first = await tell(scene, ann, conversation);
    await scene.webhook("leo", "phone", { token: "one-phone" });
    await sleep(HEARD_MS);
    const second = await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("kim"), [`phone notification ${first}, badge 1`]);
    assert.deepEqual(scene.inShort("leo"), [`phone notification ${second}, badge 2`]);
    await assert.rejects(registeredPush({ token: scene.tokenOf("kim") }, "phone", scene.api), isNotFound);
  },

  "a sign-out ends it": async (scene, ann) => {
    const login = { user: "max", password: "correct horse" };
    await signUp(login, scene.api);
    const session = await signIn(login, scene.api);
    const { token } = session;
    const conversation = await group(ann, "M", "max");
    const client = await scene.live("max", "phone", false, { token });
    await scene.webhook("max", "phone", { as: token });
    await scene.leave(client, "phone", token);
    const seq = await tell(scene, ann, conversation);
    await signOut(session, scene.api);
    await sleep(HEARD_MS);
    await tell(scene, ann, conversation);
    assert.deepEqual(scene.inShort("max"), [`phone notification ${seq}, badge 1`]);
    await assert.rejects(registeredPush(await signIn(login, scene.api), "phone", scene.api), isNotFound);
  },

  "gone (410): the registration is removed": async (scene, ann) => {
    await scene.away("nia");
    await scene.webhook("nia", "phone");
    const endpoint = await scene.browser("nia", "web");
    scene.receiver.forget("nia-phone");
    scene.webPush.unsubscribe(endpoint);
    await tell(scene, ann, await group(ann, "N", "nia"));
    assert.deepEqual(scene.inShort("nia"), []);
    for (const device of ["phone", "web"])
      await assert.rejects(registeredPush({ token: scene.tokenOf("nia") }, device, scene.api), isNotFound);
  },

  "a group over the bound: mentions alone": async (scene, ann) => {
    for (const user of ["oli", "pam"]) {
      await scene.away(user);
      await scene.webhook(user, "phone");
    }
    const others = Array.from({ length: MENTIONS_ONLY_ABOVE }, (_, i) => `other${i}`);
    const conversation = await group(ann, "O", "oli", "pam", ...others);
    await tell(scene, ann, conversation, [WITNESS]);
    const seq = await tell(scene, ann, conversation, [WITNESS, "oli"]);
    assert.deepEqual(scene.inShort("oli"), [`phone notification ${seq}, badge 2`]);
    assert.deepEqual(scene.inShort("pam"), []);
  },
};

test(
  "who is away hears of it, once, and nobody else does",
  { timeout: 240_000, concurrency: true },
  async (t) => {
    const scene = await PushScene.start(t, {
      routers: 1,
      connectors: 2,
      env: {
        connector: { HEARTBEAT_MS: String(BEAT_MS), MESSAGES_PER_SECOND: "1000" },
        api: { SIGN_INS_PER_SECOND: "100", REQUESTS_PER_SECOND: "1000" },
        push: { PUSH_MENTIONS_ONLY_ABOVE: String(MENTIONS_ONLY_ABOVE) },
      },
    });
    const ann = await scene.live("ann", "laptop", true);
    await scene.away(WITNESS);
    await scene.webhook(WITNESS, "phone");
    // On new data workers wait until connectors would have written their sessions.
    await tell(scene, ann, await group(ann, "first"));

    await Promise.all(
      Object.entries(ROWS).map(async ([name, row]) => t.test(name, async (t) => row(scene, ann, t))),
    );

    assert.deepEqual(scene.inShort("ann"), []);
    assert.deepEqual(scene.receiver.repeated, []);
    assert.equal(scene.receiver.refused, 0);
  },
);

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { until } from "@jichat/testkit/until.ts";
import { PushBrowser, PushScene, vapidKeys } from "./push-scene.ts";
import { composer, entry, isOpenToAll, leave, message, pick, say, shot } from "./scene.ts";

const LIMIT = { timeout: 180_000 };

let push: PushScene;

before(async () => {
  push = await PushScene.start();
});
after(async () => {
  await push?.end();
});

const settings = async (page: Page): Promise<void> => {
  await page.getByRole("button", { name: "Settings" }).click();
};
async function turnOn(page: Page): Promise<void> {
  await settings(page);
  await page.getByRole("button", { name: "Turn on push" }).click();
  await page.getByRole("button", { name: "Turn off push" }).waitFor();
}
const close = async (page: Page): Promise<void> => page.getByRole("button", { name: "Close" }).click();
const stored = async (page: Page, text: string): Promise<void> =>
  message(page, text).getByLabel("stored").waitFor();
const deviceOf = async (browser: PushBrowser, page: Page): Promise<string> =>
  String((await browser.kept(page))?.["device"]);

test(
  "who closed the page is pushed what is said; it is replaced, opened at its message, and withdrawn",
  LIMIT,
  async () => {
    const { scene } = push;
    const ann = await scene.enter("annpush", { isNew: true });
    const ben = await scene.enter("benpush", { isNew: true });
    const browser = await PushBrowser.of(ann, push.service);
    await turnOn(ann);
    await ann.getByText("This browser tells you of messages while this page is closed.").waitFor();
    const device = await deviceOf(browser, ann);
    const { locale, preview, kind } = (await push.registered("annpush", device)) ?? {};
    assert.deepEqual([kind, locale, preview], ["webpush", "en-US", "text"]);
    assert.doesNotMatch(JSON.stringify(await browser.kept(ann)), /eyJ/, "no token is kept for the worker");
    await browser.worker.evaluate(() => {
      const state = globalThis as unknown as { badge?: number };
      Object.assign(navigator, {
        setAppBadge: async (count: number) => {
          state.badge = count;
        },
      });
    });
    const badge = async (): Promise<number | undefined> =>
      browser.worker.evaluate(() => (globalThis as unknown as { badge?: number }).badge);
    await ann.close();

    await pick(ben, "Find somebody", "annpush");
    await say(ben, "Are **you** there?");
    const first = await push.nextPush(browser.endpoint, 1);
    await browser.deliver(first);
    const [told] = await browser.untilShown("the first message is shown", (all) => all.length === 1);
    assert.equal(told?.title, "benpush");
    assert.match(told?.body ?? "", /there\?$/);
    assert.equal(told?.silent, false);
    const conversation = told?.data?.conversation ?? "";
    assert.equal(await badge(), 1);

    await say(ben, "It is late");
    const second = await push.nextPush(browser.endpoint, 2);
    await browser.deliver(second);
    const [later, ...more] = await browser.untilShown(
      "the second takes its place",
      ([one]) => one?.body.endsWith("late") === true,
    );
    assert.deepEqual(more, []);
    assert.ok((later?.data?.seq ?? 0) > (told?.data?.seq ?? 0));
    // Push services promise no order.
    await browser.deliver(first);
    await ben.waitForTimeout(500);
    assert.match((await browser.shown())[0]?.body ?? "", /late$/);

    // No tab of the page is open: a click opens one, at the message.
    assert.deepEqual(await browser.happens("notificationclick"), [
      `opened /#/c/${conversation}/${later?.data?.seq}`,
    ]);
    assert.deepEqual(await browser.shown(), [], "what was clicked goes away");
    const again = await browser.context.newPage();
    await again.goto(`${scene.stack.apiUrl}/#/c/${conversation}/${later?.data?.seq}`);
    await again.locator(".message.aimed", { hasText: "It is late" }).waitFor();
    assert.match(again.url(), new RegExp(`#/c/${conversation}$`), "a reload does not go there again");
    // It was read there, so it is withdrawn here: the worker does not know of the click.
    assert.match(await push.nextPush(browser.endpoint, 3), /"withdrawal"/);
    await again.close();

    await say(ben, "One more, for another device");
    const third = await push.nextPush(browser.endpoint, 4);
    await browser.deliver(third);
    await browser.untilShown("the third is shown", (all) => all.length === 1);
    const laptop = await scene.enter("annpush");
    await entry(laptop, "benpush").click();
    await message(laptop, "for another device").waitFor();
    const withdrawal = await push.nextPush(browser.endpoint, 5);
    assert.match(withdrawal, /"withdrawal"/);
    await browser.deliver(withdrawal);
    await browser.untilShown("what was read elsewhere is withdrawn", (all) => all.length === 0);
    assert.equal(await badge(), 0);
    await leave(laptop, ben);
    await browser.context.close();
    assert.deepEqual(scene.takeFaults(), []);
  },
);

test(
  "a tab on the screen shows its conversation itself; a click leads a tab there; a hidden tab adds nothing",
  LIMIT,
  async () => {
    const { scene } = push;
    const ann = await scene.enter("annpush");
    const ben = await scene.enter("benpush");
    const browser = await PushBrowser.of(ann, push.service);
    await settings(ann);
    await ann.getByLabel(/Notify me/).check();
    await ann.getByRole("button", { name: "Turn on push" }).click();
    await ann.getByRole("button", { name: "Turn off push" }).waitFor();
    assert.equal(await ann.getByLabel(/Notify me/).count(), 0, "push does that too");
    await close(ann);
    await ann.bringToFront();
    await entry(ann, "benpush").click();
    await message(ann, "It is late").waitFor();
    const conversation = /#\/c\/(.+)$/.exec(ann.url())?.[1] ?? "";
    const seq = Number(await message(ann, "It is late").getAttribute("data-seq"));
    const payload = (more: object): string =>
      JSON.stringify({
        v: 1,
        is: "notification",
        title: "benpush",
        text: "Hello",
        conversation,
        seq: 1_000_000,
        tag: "tag",
        count: 1,
        ...more,
      });
    await browser.deliver(payload({}));
    await browser.deliver(payload({ conversation: "g_other", tag: "other", sound: true }));
    const [only, ...more] = await browser.untilShown(
      "another conversation is shown",
      (all) => all.length > 0,
    );
    assert.deepEqual([only?.tag, only?.silent, more], ["other", false, []]);

    await ann.evaluate(() => {
      location.hash = "#/";
    });
    await ann.getByText("Choose a conversation").waitFor();
    await browser.deliver(payload({}));
    await browser.untilShown("it is shown once nobody looks", (all) => all.some(({ tag }) => tag === "tag"));
    await entry(ann, "benpush").click();
    await browser.untilShown("what is seen goes away", (all) => all.every(({ tag }) => tag === "other"));

    await browser.deliver(
      JSON.stringify({ v: 1, is: "withdrawal", conversation: "g_other", seq: 1_000_000, tag: "other" }),
    );
    await browser.untilShown("it is withdrawn", (all) => all.length === 0);
    await ann.evaluate(() => {
      location.hash = "#/";
    });
    await ann.getByText("Choose a conversation").waitFor();
    await browser.deliver(payload({ seq }));
    await browser.untilShown("the first message is pushed again", (all) => all.length === 1);
    assert.deepEqual(await browser.happens("notificationclick"), ["focused"]);
    await ann.locator(".message.aimed", { hasText: "It is late" }).waitFor();

    for (const data of ["{", payload({ v: 2 })]) {
      await browser.deliver(data);
      const [unread] = await browser.untilShown(
        "what cannot be read is not shown",
        (all) => all.length === 1,
      );
      const { title, body, silent, data: leads } = unread ?? {};
      assert.deepEqual([title, body, silent, leads], ["JiChat", "There is something new", true, undefined]);
      assert.deepEqual(await browser.happens("notificationclick"), ["focused"]);
      await browser.untilShown("what was clicked goes away", (all) => all.length === 0);
    }

    await ann.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    });
    await entry(ben, "annpush").click();
    await say(ben, "Behind another tab");
    await stored(ben, "Behind another tab");
    await entry(ann, "benpush").getByText("Behind another tab").waitFor();
    await ann.waitForTimeout(1_000);
    assert.deepEqual(await browser.shown(), []);
    await leave(ben);
    await browser.context.close();
    assert.deepEqual(scene.takeFaults(), []);
  },
);

test(
  "the subscription follows the cluster's key, what the browser does to it, and who is signed in",
  LIMIT,
  async () => {
    const { scene } = push;
    const ann = await scene.enter("annpush");
    const browser = await PushBrowser.of(ann, push.service);
    await turnOn(ann);
    const device = await deviceOf(browser, ann);
    await ann.getByLabel("What they show").selectOption("sender");
    await until("the server knows the preview", 10_000, async () => {
      const { preview } = (await push.registered("annpush", device)) ?? {};
      return preview === "sender" || undefined;
    });
    assert.equal(browser.made.length, 1, "another preview takes no other subscription");

    const { publicKey } = vapidKeys();
    await ann
      .context()
      .route("**/v1/push", async (route) =>
        route.fulfill({ json: { kinds: ["webpush"], vapidPublicKey: publicKey } }),
      );
    await ann.reload();
    await until("the page subscribes with the new key", 10_000, async () => {
      const { endpoint } = (await browser.kept(ann)) ?? {};
      return (browser.made.length === 2 && endpoint === browser.endpoint) || undefined;
    });
    assert.equal(browser.made[1]?.key, publicKey);
    assert.equal(await deviceOf(browser, ann), device);

    // The browser has dropped the subscription, and a tab is open.
    await ann.evaluate(() => {
      localStorage.removeItem("test-subscription");
    });
    await browser.happens("pushsubscriptionchange");
    assert.equal(browser.made.length, 3);
    await until("the new one is registered", 10_000, async () => {
      const { endpoint } = (await browser.kept(ann)) ?? {};
      return endpoint === browser.endpoint || undefined;
    });

    // The same without a tab: the worker has the session's cookie. Its push manager has no service either.
    const target = push.service.subscribe();
    await ann.goto("about:blank");
    await browser.worker.evaluate(async (target) => {
      const { endpoint, p256dh, auth } = target;
      const made = { endpoint, toJSON: () => ({ endpoint, keys: { p256dh, auth } }) };
      const { PushManager } = globalThis as unknown as {
        readonly PushManager: { readonly prototype: object };
      };
      Object.assign(PushManager.prototype, { subscribe: async () => made });
    }, target);
    await browser.happens("pushsubscriptionchange");
    await ann.goto(scene.stack.apiUrl);
    await entry(ann, "benpush").waitFor();
    const told = (await push.registered("annpush", device)) ?? {};
    assert.equal(told["preview"], "sender");

    await settings(ann);
    await ann.getByRole("button", { name: "Turn off push" }).click();
    await ann.getByRole("button", { name: "Turn on push" }).waitFor();
    assert.equal(await browser.kept(ann), undefined);
    assert.equal(await push.registered("annpush", device), undefined);

    await ann.getByRole("button", { name: "Turn on push" }).click();
    await ann.getByRole("button", { name: "Turn off push" }).waitFor();
    const next = await deviceOf(browser, ann);
    const payload = {
      v: 1,
      conversation: "g_x",
      seq: 1,
      tag: "tag",
      count: 1,
      title: "Secret",
      text: "Secret",
    };
    await browser.deliver(JSON.stringify({ ...payload, is: "notification" }));
    await browser.untilShown("a notification is shown", (all) => all.length === 1);
    await ann.getByRole("button", { name: "Sign out" }).click();
    await ann.getByRole("button", { name: "Sign in" }).waitFor();
    await browser.untilShown("nothing of who signed out is shown", (all) => all.length === 0);
    await until("nothing is kept", 10_000, async () => (await browser.kept(ann)) === undefined || undefined);
    assert.equal(await ann.evaluate(() => localStorage.getItem("test-subscription")), null);
    assert.equal(await push.registered("annpush", next), undefined);
    await browser.deliver(JSON.stringify({ ...payload, is: "notification" }));
    await ann.waitForTimeout(1_000);
    assert.deepEqual(await browser.shown(), [], "nor what still comes");
    await browser.context.close();
    assert.deepEqual(scene.takeFaults(), []);
  },
);

test("a browser's push ends when somebody else signs in there", LIMIT, async () => {
  const { scene } = push;
  const ann = await scene.enter("annpush");
  const browser = await PushBrowser.of(ann, push.service);
  await turnOn(ann);
  const token = await scene.token("benpush");
  await ann.evaluate(async (token) => {
    const headers = { "jichat-page": "1", authorization: `Bearer ${token}` };
    await fetch("/v1/page-session", { method: "PUT", headers });
  }, token);
  await ann.reload();
  await entry(ann, "annpush").waitFor();
  await until("nothing is kept", 10_000, async () => (await browser.kept(ann)) === undefined || undefined);
  await settings(ann);
  await ann.getByRole("button", { name: "Turn on push" }).waitFor();
  await browser.context.close();
  assert.deepEqual(scene.takeFaults(), []);
});

test("what cannot be is said: no support, no permission, no offer, no push service", LIMIT, async () => {
  const { scene } = push;
  const page = await scene.enter("annpush");
  await page.context().grantPermissions(["notifications"], { origin: scene.stack.apiUrl });
  await page.reload();
  // This browser has no push service: what it says is shown, and push is off.
  await settings(page);
  await page.getByRole("button", { name: "Turn on push" }).click();
  await page.getByText(/That did not work: .+/).waitFor();
  await page.getByRole("button", { name: "Turn on push" }).waitFor();
  await isOpenToAll(page, "settings with a failed push");
  await shot(page, "push-failed");

  await page.context().route("**/v1/push", async (route) => route.fulfill({ json: { kinds: ["apns"] } }));
  await page.reload();
  await settings(page);
  await page.getByText("This server sends no push notifications.").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Turn o(n|ff) push/ }).count(), 0);
  await page.getByLabel(/Notify me/).waitFor();
  await page.context().unroute("**/v1/push");

  await page.addInitScript(() => {
    Object.defineProperty(Notification, "permission", { get: () => "denied" });
  });
  await page.reload();
  await settings(page);
  await page.getByText("The browser does not allow notifications").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Turn o(n|ff) push/ }).count(), 0);
  assert.ok(await page.getByLabel(/Notify me/).isDisabled());

  await page.addInitScript(() => {
    Object.assign(globalThis, { PushManager: undefined });
    Reflect.deleteProperty(globalThis, "PushManager");
  });
  await page.reload();
  await settings(page);
  await page.getByText("This browser receives no push here.").waitFor();
  await page.context().close();
  assert.deepEqual(scene.takeFaults(/incognito/), []);
});

test("no permission is asked for before the button", LIMIT, async () => {
  const { scene } = push;
  const page = await scene.open();
  await page.addInitScript(() => {
    Notification.requestPermission = async () => {
      throw new Error("nobody asked for it");
    };
  });
  await page.reload();
  await page.getByLabel("User name").fill("annpush");
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  await entry(page, "benpush").click();
  await composer(page).waitFor();
  await settings(page);
  await page
    .getByRole("button", { name: /^Turn o(n|ff) push/ })
    .or(page.getByText("The browser does not allow"))
    .first()
    .waitFor();
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
});

for (const look of [
  { name: "wide", width: 1_080, scheme: "light" },
  { name: "narrow", width: 380, scheme: "light" },
  { name: "dark", width: 1_080, scheme: "dark" },
  { name: "chinese", width: 420, scheme: "light" },
] as const)
  test(`the settings of push are correct and accessible: ${look.name}`, LIMIT, async () => {
    const { scene } = push;
    const page = await scene.enter("annpush", { width: look.width, height: 900, scheme: look.scheme });
    const browser = await PushBrowser.of(page, push.service);
    await turnOn(page);
    if (look.name === "chinese") {
      await page.getByLabel("Language").selectOption("zh");
      await page.getByRole("button", { name: "关闭推送" }).waitFor();
    }
    await isOpenToAll(page, `settings, ${look.name}`);
    await shot(page, `push-on-${look.name}`);
    await page.getByRole("button", { name: look.name === "chinese" ? "关闭推送" : "Turn off push" }).click();
    await page.getByRole("button", { name: look.name === "chinese" ? "开启推送" : "Turn on push" }).waitFor();
    await isOpenToAll(page, `settings with push off, ${look.name}`);
    await shot(page, `push-off-${look.name}`);
    await browser.context.close();
    assert.deepEqual(scene.takeFaults(), []);
  });

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { ROOT } from "@jichat/testkit/cache.ts";
import { needChromium } from "@jichat/testkit/needs.ts";
import { filesOf } from "@jichat/testkit/page-blocks.ts";
import { WebPushService } from "@jichat/testkit/push/web-push-service.ts";
import { PushBrowser } from "./push-scene.ts";

/** A page with the service worker of docs/push.md. */
async function start(t: TestContext) {
  const worker = filesOf(readFileSync(join(ROOT, "docs/push.md"), "utf8")).get("service-worker.js");
  assert.ok(worker);
  const app = createServer(({ url }, response) => {
    const [type, text] =
      url === "/service-worker.js"
        ? ["text/javascript", worker]
        : ["text/html", "<!doctype html><title>app</title>"];
    response.writeHead(200, { "content-type": type }).end(text);
  });
  await new Promise<void>((resolve) => {
    app.listen(0, "127.0.0.1", resolve);
  });
  const executablePath = await needChromium();
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const chrome = await chromium.launch({ executablePath, args });
  const service = await WebPushService.start();
  t.after(async () => {
    await chrome.close();
    await service.stop();
    app.close();
  });
  const page = await (await chrome.newContext()).newPage();
  await page.goto(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
  await page.evaluate(async () => navigator.serviceWorker.register("/service-worker.js"));
  return { page, browser: await PushBrowser.of(page, service) };
}

test(
  "the sample service worker shows, replaces, withdraws and opens what is pushed",
  { timeout: 60_000 },
  async (t) => {
    const { page, browser } = await start(t);
    const about = { v: 1, conversation: "g_team", tag: "c7a1", badge: 3 };
    const notification = { ...about, is: "notification", title: "Team", count: 1, sound: true };
    const say = async (seq: number, text: string): Promise<void> =>
      browser.deliver(JSON.stringify({ ...notification, seq, text }));
    await say(1, "Ann: Hello");
    await browser.untilShown("it is shown", ([one]) => one?.title === "Team" && one.body === "Ann: Hello");
    await say(3, "Three");
    await browser.untilShown("it is replaced", ([one, more]) => one?.body === "Three" && more === undefined);
    await say(2, "Two");
    await page.waitForTimeout(300);
    assert.deepEqual(
      (await browser.shown()).map(({ body }) => body),
      ["Three"],
      "what is older does not replace it",
    );
    const withdrawal = { ...about, is: "withdrawal" };
    await browser.deliver(JSON.stringify({ ...withdrawal, seq: 2 }));
    await page.waitForTimeout(300);
    assert.equal((await browser.shown()).length, 1, "what is newer stays");
    await browser.deliver(JSON.stringify({ ...withdrawal, seq: 3 }));
    await browser.untilShown("it is withdrawn", (all) => all.length === 0);

    await browser.deliver("{");
    await browser.untilShown("something is shown", ([one]) => one?.title === "New messages");
    await page.evaluate(() => {
      navigator.serviceWorker.addEventListener("message", ({ data }) => {
        document.title = JSON.stringify(data);
      });
      navigator.serviceWorker.startMessages();
    });
    assert.deepEqual(await browser.happens("notificationclick"), ["focused"]);
    await page.waitForFunction(() => document.title === '{"t":"open","hash":""}');
    await browser.happens("pushsubscriptionchange");
    await page.waitForFunction(() => document.title === '{"t":"register"}');

    await say(4, "Four");
    await browser.untilShown("it is shown", ([one]) => one?.body === "Four");
    await page.goto("about:blank");
    assert.deepEqual(await browser.happens("notificationclick"), ["opened /#g_team/4"]);
  },
);

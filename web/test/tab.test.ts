import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { until } from "@jichat/testkit/until.ts";
import { LAN, Scene, composer, entry, leave, message, pick, say, shot } from "./scene.ts";

const LIMIT = { timeout: 120_000 };

let scene: Scene;

before(async () => {
  scene = await Scene.start({ env: { connector: { ORIGINS: "*" } } });
});
after(async () => {
  await scene?.end();
});

const deviceOf = async (page: Page): Promise<string | null> =>
  page.evaluate(() => sessionStorage.getItem("jichat-device"));
const stored = async (page: Page, text: string): Promise<void> =>
  message(page, text).getByLabel("stored").waitFor();

test(
  "over plain HTTP on a local network: signed up, a message sent, still there after a reload",
  LIMIT,
  async () => {
    const lan = scene.stack.apiUrl.replace("127.0.0.1", LAN);
    const ann = await scene.enter("annlan", { isNew: true, url: lan });
    const ben = await scene.enter("benlan", { isNew: true, url: lan });
    assert.deepEqual(
      await ann.evaluate(() => [isSecureContext, "serviceWorker" in navigator, typeof crypto.randomUUID]),
      [false, false, "undefined"],
    );
    await pick(ann, "Find somebody", "benlan");
    await say(ann, "By HTTP alone");
    await stored(ann, "By HTTP alone");
    await entry(ben, "annlan").getByLabel("1 unread").waitFor();
    await ann.getByRole("button", { name: "Settings" }).click();
    await ann.getByLabel("Language").waitFor();
    assert.equal(await ann.getByLabel(/Notify me/).count(), 0, "it offers nothing that cannot be");
    await ann.reload();
    await message(ann, "By HTTP alone").waitFor();
    await leave(ann, ben);
    // The browser says that it takes a header for HTTPS only.
    assert.deepEqual(scene.takeFaults(/Cross-Origin-Opener-Policy/), []);
  },
);

test("a duplicated tab is a device of its own, and both go on", LIMIT, async () => {
  const ann = await scene.enter("anndup", { isNew: true });
  const ben = await scene.enter("bendup", { isNew: true });
  await pick(ann, "Find somebody", "bendup");
  await say(ann, "From the first tab");
  await stored(ann, "From the first tab");
  const opening = ann.context().waitForEvent("page");
  // A tab that the page opens begins with a copy of its storage, as a duplicate does.
  await ann.evaluate(() => {
    open(location.href);
  });
  const twin = await opening;
  await message(twin, "From the first tab").waitFor();
  assert.notEqual(await deviceOf(twin), await deviceOf(ann));
  await say(twin, "From the second");
  await message(ann, "From the second").waitFor();
  await say(ann, "And from the first again");
  await message(twin, "the first again").waitFor();
  const before = await deviceOf(ann);
  await ann.reload();
  await message(ann, "the first again").waitFor();
  assert.equal(await deviceOf(ann), before, "a reload keeps the device");
  for (const page of [ann, twin]) assert.equal(await page.getByRole("alert").count(), 0);
  await leave(ann, ben);
  assert.deepEqual(scene.takeFaults(), []);
});

test("the token is in memory only, and signing out ends the cookie", LIMIT, async () => {
  const page = await scene.enter("anndup");
  await entry(page, "bendup").waitFor();
  const kept = await page.evaluate(() => [
    document.cookie,
    JSON.stringify(localStorage),
    JSON.stringify(sessionStorage),
  ]);
  assert.equal(kept[0], "", "no script reads the cookie");
  assert.doesNotMatch(kept.join(), /eyJ/, "no token is in the storage");
  const [cookie] = await page.context().cookies(`${scene.stack.apiUrl}/v1/page-session`);
  assert.deepEqual(
    [cookie?.httpOnly, cookie?.sameSite, cookie?.path, cookie?.secure],
    [true, "Strict", "/v1/page-session", false],
  );
  await page.reload();
  await entry(page, "bendup").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await until("the cookie is gone", 10_000, async () =>
    page.evaluate(async () => {
      const reply = await fetch("/v1/page-session", { method: "POST", headers: { "jichat-page": "1" } });
      return !("token" in ((await reply.json()) as object));
    }),
  );
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
});

test("what was pasted is never cut: what is too long is said in bytes, and not sent", LIMIT, async () => {
  const page = await scene.enter("anndup");
  await entry(page, "bendup").click();
  await composer(page).fill("x".repeat(9_000));
  assert.equal((await composer(page).inputValue()).length, 9_000);
  await page.getByText("Too long by 819 bytes: a message has at most 8,192 bytes").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  await shot(page, "too-long");
  await composer(page).press("Enter");
  assert.equal((await composer(page).inputValue()).length, 9_000);
  // 2,727 characters of three bytes, and the body around them.
  await composer(page).fill("字".repeat(2_727));
  await page.getByText("8,192 of 8,192 bytes").waitFor();
  await composer(page).press("Enter");
  await stored(page, "字字字");
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
});

test(
  "an address is a conversation; drafts and the open conversation survive a reload; Back stays here",
  LIMIT,
  async () => {
    const page = await scene.enter("anndup");
    await page.getByText("Choose a conversation").waitFor();
    await entry(page, "bendup").click();
    await page.getByRole("heading", { name: "bendup" }).waitFor();
    const address = page.url();
    assert.match(address, /#\/c\/d_/);
    await composer(page).fill("Begun and not sent");
    await pick(page, "Find somebody", "annlan");
    await page.getByRole("heading", { name: "annlan" }).waitFor();
    assert.match(page.url(), /#\/@annlan$/);
    await page.goBack();
    await page.getByRole("heading", { name: "bendup" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "bendup" }).waitFor();
    assert.equal(await composer(page).inputValue(), "Begun and not sent");
    await page.goBack();
    await page.getByText("Choose a conversation").waitFor();
    await page.goto(`${scene.stack.apiUrl}/#/c/d_nobody`);
    await page.getByText("Choose a conversation").waitFor();
    await page.goto(address);
    await page.getByRole("heading", { name: "bendup" }).waitFor();
    await leave(page);
    assert.deepEqual(scene.takeFaults(), []);
  },
);

test("it says within a second that it is offline, and opens without a network", LIMIT, async () => {
  const page = await scene.enter("anndup");
  await entry(page, "bendup").click();
  await page.evaluate(async () => navigator.serviceWorker.ready);
  await page.context().setOffline(true);
  await page.getByRole("status").getByText("You are offline").waitFor({ timeout: 1_000 });
  await say(page, "Written offline");
  await message(page, "Written offline").getByLabel("sending").waitFor();
  await shot(page, "offline");
  await page.context().setOffline(false);
  await stored(page, "Written offline");
  await page.getByText("You are offline").waitFor({ state: "detached" });

  await page.context().setOffline(true);
  await page.reload();
  await page.getByText("You are offline").waitFor();
  await shot(page, "offline-shell");
  await page.context().setOffline(false);
  await message(page, "Written offline").waitFor();
  await leave(page);
  assert.deepEqual(scene.takeFaults(/ERR_INTERNET_DISCONNECTED/), []);
});

test("a lost connection is said within a second, with the time of the next try", LIMIT, async () => {
  const page = await scene.enter("anndup");
  await entry(page, "bendup").click();
  await message(page, "Written offline").waitFor();
  const [connector] = scene.stack.connectors;
  await connector?.kill();
  await page.getByRole("status").getByText("No connection").waitFor({ timeout: 1_000 });
  await page.getByText(/Next try in \d+ s/).waitFor();
  connector?.start();
  await connector?.ready(30_000);
  await page.getByText("No connection").waitFor({ state: "detached", timeout: 30_000 });
  await leave(page);
  assert.deepEqual(scene.takeFaults(/WebSocket/), []);
});

test("what somebody writes is formatted, and never becomes markup or a way to a script", LIMIT, async () => {
  const page = await scene.enter("anndup");
  await entry(page, "bendup").click();
  await say(page, "**bold** and `code` at example.org\n\n```\nconst a = 1;\n```\n\n- one\n- two");
  const said = message(page, "const a");
  await said.locator("strong", { hasText: "bold" }).waitFor();
  await said.locator("pre code", { hasText: "const a = 1;" }).waitFor();
  assert.equal(await said.locator("li").count(), 2);
  assert.equal(await said.getByRole("link").getAttribute("href"), "https://example.org");
  await say(
    page,
    "hostile <img src=x onerror=alert(1)> <script>alert(2)</script> [go](javascript:alert(3)) ![x](https://evil.example/pixel.png) <a href='javascript:alert(4)'>x</a>",
  );
  const hostile = message(page, "hostile <img");
  await hostile.getByText("<script>alert(2)</script>").waitFor();
  assert.equal(await hostile.locator("img, script, iframe, [onerror]").count(), 0);
  for (const link of await hostile.getByRole("link").all())
    assert.match((await link.getAttribute("href")) ?? "", /^https?:\/\//);
  await say(page, "שלום, מה שלומך?");
  await stored(page, "שלום");
  const direction = await message(page, "שלום")
    .locator("p")
    .evaluate((p) => getComputedStyle(p).direction);
  assert.equal(direction, "rtl");
  await shot(page, "formatted");
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
});

test("people are found by their display names, which stand everywhere; Ctrl+K jumps", LIMIT, async () => {
  const ben = await scene.enter("bendup");
  await ben.getByRole("button", { name: "Settings" }).click();
  await ben.getByLabel("Your name, as others see it").fill("Żaneta of the Lake");
  await ben.getByRole("button", { name: "Save" }).click();
  await ben.getByText("Saved.").waitFor();
  const ann = await scene.enter("anndup");
  await entry(ann, "Żaneta of the Lake").click();
  await ann.getByRole("heading", { name: "Żaneta of the Lake" }).waitFor();
  await ann.keyboard.press("ControlOrMeta+k");
  const jump = ann.getByRole("dialog", { name: "Jump to a conversation or a person" });
  await jump.waitFor();
  await ann.keyboard.type("zan");
  await jump.getByRole("option", { name: "Żaneta" }).waitFor();
  await shot(ann, "jump");
  await ann.keyboard.press("Enter");
  await jump.waitFor({ state: "detached" });
  await ann.getByLabel("Find somebody").fill("lake");
  await ann.getByRole("option", { name: "Żaneta of the Lake" }).waitFor();
  await leave(ann, ben);
  assert.deepEqual(scene.takeFaults(), []);
});

test("a hidden tab notifies, once it may", LIMIT, async () => {
  const ann = await scene.enter("anndup");
  await ann.context().grantPermissions(["notifications"]);
  await ann.reload();
  await ann.getByRole("button", { name: "Settings" }).click();
  await ann.getByLabel(/Notify me/).check();
  await ann.getByRole("button", { name: "Close" }).click();
  await ann.evaluate(async () => navigator.serviceWorker.ready);
  await ann.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  });
  const ben = await scene.enter("bendup");
  await entry(ben, "anndup").click();
  await say(ben, "Are **you** there?");
  const told = await until("a notification is shown", 10_000, async () =>
    ann.evaluate(async () => {
      const worker = await navigator.serviceWorker.ready;
      const [notification] = await worker.getNotifications();
      return notification === undefined ? undefined : [notification.title, notification.body];
    }),
  );
  assert.deepEqual(told, ["Żaneta of the Lake", "Are you there?"]);
  await leave(ann, ben);
  assert.deepEqual(scene.takeFaults(), []);
});

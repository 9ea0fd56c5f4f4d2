import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { callRest, signIn, signUp } from "@jichat/client";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { Scene, composer, entry, isOpenToAll, leave, message, pick, say, shot } from "./scene.ts";

let scene: Scene;

before(async () => {
  scene = await Scene.start({ env: { connector: { MESSAGES_PER_SECOND: "10000" } } });
});
after(async () => {
  await scene?.end();
});

const LIMIT = { timeout: 180_000 };

test("the page is small: under 150 KB of script, compressed", async () => {
  const html = await (await fetch(scene.stack.apiUrl)).text();
  const [name = ""] = /main-\w+\.js/.exec(html) ?? [];
  const script = await (await fetch(`${scene.stack.apiUrl}/${name}`)).arrayBuffer();
  assert.ok(script.byteLength > 10_000, html);
  const size = gzipSync(new Uint8Array(script)).length;
  assert.ok(size < 150 * 1_024, `${size} bytes`);
});

test("a wrong password is reported, and nobody is signed in", LIMIT, async () => {
  const page = await scene.open();
  await page.getByLabel("User name").fill("nobody");
  await page.getByLabel("Password").fill("wrong password");
  await shot(page, "sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("the user or the password is wrong").waitFor();
  await leave(page);
  assert.deepEqual(scene.takeFaults(/status of 401/), []);
});

test("two people talk on three devices, and the two devices of one stay in step", LIMIT, async () => {
  const phone = await scene.enter("alice", { isNew: true });
  const bob = await scene.enter("bob", { isNew: true });
  const laptop = await scene.enter("alice");

  await pick(phone, "Find somebody", "bob");
  await say(phone, "Hello Bob, do you see this?");
  await message(phone, "Hello Bob").getByLabel("stored").waitFor();
  await phone.getByRole("heading", { name: "bob" }).waitFor();
  await entry(phone, "bob").waitFor();

  await entry(bob, "alice").getByLabel("1 unread").waitFor();
  await bob.waitForFunction(() => document.title === "(1) JiChat");
  await entry(laptop, "bob").click();
  await message(laptop, "Hello Bob").waitFor();
  await entry(bob, "alice").click();
  await message(bob, "Hello Bob").waitFor();
  await entry(bob, "alice").getByLabel("1 unread").waitFor({ state: "detached" });
  await say(bob, "I do. And on your laptop?");
  await message(phone, "on your laptop").waitFor();
  await message(laptop, "on your laptop").waitFor();
  await say(laptop, "There too. See https://example.org/jichat for more.");
  await message(phone, "There too.").getByRole("link", { name: "example.org/jichat" }).waitFor();

  // Unread, then read on one device: the other follows.
  await phone.reload();
  await phone.getByRole("heading", { name: "bob" }).waitFor();
  await phone.evaluate(() => {
    location.hash = "#/";
  });
  await phone.getByText("Choose a conversation").waitFor();
  await laptop.getByRole("button", { name: "New group" }).click();
  await laptop.getByLabel("Name of the group").fill("Weekend");
  await pick(laptop, "Members", "bob");
  await laptop.getByRole("button", { name: "Create group" }).click();
  await laptop.getByRole("heading", { name: "Weekend" }).waitFor();
  await say(bob, "One more here");
  await entry(phone, "bob").getByLabel("1 unread").waitFor();
  await shot(phone, "unread");
  await entry(laptop, "bob").click();
  await laptop.getByText("New messages").waitFor();
  await entry(phone, "bob").getByLabel("1 unread").waitFor({ state: "detached" });

  // What cannot be sent stays, and why is said.
  await composer(bob).evaluate((area: HTMLTextAreaElement) => {
    area.value = "half a character: \ud83d";
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  await composer(bob).press("Enter");
  await bob.locator(".composer").getByText("surrogate").waitFor();
  assert.match(await composer(bob).inputValue(), /^half a character/);
  await composer(bob).fill("");
  await bob.locator(".composer").getByText("surrogate").waitFor({ state: "detached" });

  // An edit and a message taken back are seen by all.
  await message(bob, "One more here").hover();
  await message(bob, "One more here").getByRole("button", { name: "Edit" }).click();
  await composer(bob).fill("One more, changed");
  await bob.getByRole("button", { name: "Save" }).click();
  await message(laptop, "One more, changed").getByText("edited").waitFor();
  await message(bob, "One more, changed").hover();
  await message(bob, "One more, changed").getByRole("button", { name: "Take back" }).click();
  await message(laptop, "Message taken back").waitFor();
  await leave(phone, laptop, bob);
  assert.deepEqual(scene.takeFaults(), []);
});

test("a mute of one device is on the other, draws no attention, and ends", LIMIT, async () => {
  const noah = await scene.enter("noah", { isNew: true });
  const phone = await scene.enter("mia", { isNew: true });
  await pick(phone, "Find somebody", "noah");
  await say(phone, "Hello");
  await message(phone, "Hello").getByLabel("stored").waitFor();
  const laptop = await scene.enter("mia");
  const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
  const bell = (page: Page, name = "noah") => entry(page, name).getByLabel("muted");

  await button(phone, "Mute").click();
  await shot(phone, "mute");
  await isOpenToAll(phone, "the choices of a mute");
  await phone.keyboard.press("Escape");
  assert.equal(await button(phone, "For one hour").count(), 0);
  await button(phone, "Mute").click();
  await button(phone, "For one hour").click();
  for (const page of [phone, laptop]) await bell(page).waitFor();

  // Nobody reads it at once.
  await phone.evaluate(() => {
    location.hash = "#/";
  });
  await phone.getByText("Choose a conversation").waitFor();
  await entry(noah, "mia").click();
  await say(noah, "Quietly");
  await entry(laptop, "noah").getByText("Quietly").waitFor();
  await entry(laptop, "noah").getByLabel("1 unread").waitFor();
  assert.equal(await laptop.title(), "JiChat");
  await isOpenToAll(laptop, "a list with a muted conversation");
  await shot(laptop, "muted");
  assert.equal(await bell(noah, "mia").count(), 0);

  await laptop.reload();
  await entry(laptop, "noah").click();
  await button(laptop, "Muted").click();
  await laptop.getByText(/^Muted until .*\d/).waitFor();
  await button(laptop, "Unmute").click();
  for (const page of [phone, laptop]) await bell(page).waitFor({ state: "detached" });
  await entry(phone, "noah").click();
  for (const how of ["Until tomorrow", "Always"]) {
    await button(phone, "Mute").click();
    await button(phone, how).click();
    await bell(laptop).waitFor();
    await button(phone, "Muted").click();
    await button(phone, "Unmute").click();
    await bell(laptop).waitFor({ state: "detached" });
  }
  await leave(phone, laptop, noah);
  assert.deepEqual(scene.takeFaults(), []);
});

test("ten thousand messages scroll in order, and few of them are in the document", LIMIT, async () => {
  const COUNT = 10_000;
  const device = new ChatClient({
    urls: scene.stack.wsUrls,
    device: "writer",
    token: async () => scene.token("bob"),
    outboxMax: COUNT,
  });
  await device.connect();
  const sent = await Promise.all(
    Array.from({ length: COUNT }, async (_, i) => device.send({ to: "alice" }, { text: `line ${i + 1}.` })),
  );
  device.close();
  assert.equal(new Set(sent.map(({ seq }) => seq)).size, COUNT);

  const page = await scene.enter("alice");
  await entry(page, "bob").click();
  await message(page, `line ${COUNT}.`).waitFor();
  const log = page.getByRole("log");
  let [seen, most] = [COUNT, 0];
  while (seen > 1) {
    const texts = await log.locator(".message").allInnerTexts();
    const lines = texts.flatMap((text) => /line (\d+)\./.exec(text)?.[1] ?? []).map(Number);
    const [first = seen] = lines;
    assert.deepEqual(
      lines,
      lines.map((_, i) => first + i),
      "what is on the screen is in order, without a hole",
    );
    most = Math.max(most, lines.length);
    seen = Math.min(seen, first);
    await log.evaluate((div) => {
      div.scrollTop = 0;
    });
    await page.waitForTimeout(30);
  }
  assert.ok(most < 200, `${most} messages were in the document at once`);
  await page.getByRole("button", { name: "Go to the latest" }).click();
  await message(page, `line ${COUNT}.`).waitFor();
  await say(page, "Still quick");
  await message(page, "Still quick").getByLabel("stored").waitFor();
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
});

test(
  "a banner shows that the server is away, and a message survives a reload and is sent once",
  LIMIT,
  async () => {
    const page = await scene.enter("alice");
    const bob = await scene.enter("bob", { width: 420, height: 760 });
    await entry(page, "bob").click();
    await entry(bob, "alice").click();
    const [connector] = scene.stack.connectors;
    await connector?.kill();
    await page.getByRole("status").getByText("No connection").waitFor();
    await say(page, "Written in the dark");
    await message(page, "Written in the dark").getByLabel("sending").waitFor();
    await shot(page, "reconnecting");
    page.once("dialog", (dialog) => void dialog.accept());
    await page.reload();
    connector?.start();
    await message(bob, "Written in the dark").waitFor({ timeout: 30_000 });
    await entry(page, "bob").click();
    await message(page, "Written in the dark").getByLabel("stored").waitFor({ timeout: 30_000 });
    await page.getByRole("status").getByText("No connection").waitFor({ state: "detached" });
    assert.equal(await message(bob, "Written in the dark").count(), 1);
    await leave(page, bob);
    assert.deepEqual(scene.takeFaults(/WebSocket connection/), []);
  },
);

test(
  "what is written to a deleted account would be read by nobody: the page says so, and takes nothing",
  LIMIT,
  async () => {
    const api = scene.stack.apiUrl;
    const gone = { user: "gone", password: "correct horse" };
    await signUp({ ...gone, name: "Gone for good" }, { api });
    const page = await scene.enter("alice");
    await pick(page, "Find somebody", "Gone for good");
    await say(page, "Are you there?");
    await message(page, "Are you there?").getByLabel("stored").waitFor();
    await page.getByRole("heading", { name: "Gone for good" }).waitFor();
    const { token } = await signIn(gone, { api });
    await callRest("DELETE", "/v1/me", { api, token, body: { password: gone.password } });
    await page.reload();
    await page.getByRole("heading", { name: "Deleted account" }).waitFor();
    await page.getByText("This account was deleted.").waitFor();
    assert.equal(await composer(page).count(), 0);
    await message(page, "Are you there?").waitFor();
    await leave(page);
    assert.deepEqual(scene.takeFaults(), []);
  },
);

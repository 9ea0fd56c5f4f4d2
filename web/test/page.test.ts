import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { buildPage } from "@jichat/tools/build-page.ts";
import { ROOT } from "@jichat/tools/cache.ts";
import type { Stack } from "@jichat/tools/local/stack.ts";
import { startThrowaway } from "@jichat/tools/local/throwaway.ts";
import { needChromium } from "@jichat/tools/needs.ts";

const PASSWORD = "correct horse";
const SCREENS = join(ROOT, ".data/screens");

let stack: Stack;
let destroy: () => Promise<void>;
let browser: Browser;
/** Errors that a page wrote to its console: none is expected, whatever the test. */
const faults: string[] = [];

before(async () => {
  mkdirSync(SCREENS, { recursive: true });
  ({ stack, destroy } = await startThrowaway({ webRoot: await buildPage() }));
  browser = await chromium.launch({
    executablePath: await needChromium(),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
});

after(async () => {
  await browser?.close();
  await destroy?.();
});

async function open(size = { width: 1_080, height: 720 }): Promise<Page> {
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.goto(stack.apiUrl);
  return page;
}

async function sign(page: Page, user: string, isNew: boolean): Promise<void> {
  if (isNew) await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: isNew ? "Sign up" : "Sign in" }).click();
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByLabel("Message", { exact: true }).press("Enter");
}

const message = (page: Page, text: string) => page.getByRole("log").locator(".message", { hasText: text });
const shot = async (page: Page, name: string): Promise<void> => {
  await page.screenshot({ path: join(SCREENS, `${name}.png`) });
};

test("a wrong password is said, and nobody is let in", { timeout: 180_000 }, async () => {
  const page = await open();
  await page.getByLabel("User name").fill("nobody");
  await page.getByLabel("Password").fill("wrong password");
  await shot(page, "sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("no such user with this password").waitFor();
  await page.context().close();
  assert.deepEqual(
    faults.splice(0).filter((what) => !what.includes("401")),
    [],
  );
});

test(
  "two people on three devices talk, and two devices of one stay in step",
  { timeout: 180_000 },
  async () => {
    const [phone, bob] = [await open(), await open()];
    await sign(phone, "alice", true);
    await sign(bob, "bob", true);
    const laptop = await open();
    await sign(laptop, "alice", false);

    await phone.getByLabel("Find somebody").fill("bo");
    await phone.getByRole("option", { name: "bob" }).click();
    await say(phone, "Hello Bob, do you see this?");
    await message(phone, "Hello Bob").getByLabel("stored").waitFor();
    await phone.getByRole("heading", { name: "bob" }).waitFor();
    await phone.getByRole("navigation").getByRole("button", { name: /^bob/ }).waitFor();

    const entry = bob.getByRole("navigation").getByRole("button", { name: /^alice/ });
    await entry.getByLabel("1 unread").waitFor();
    await laptop.getByRole("navigation").getByRole("button", { name: /^bob/ }).click();
    await message(laptop, "Hello Bob").waitFor();
    await entry.click();
    await message(bob, "Hello Bob").waitFor();
    await entry.getByLabel("1 unread").waitFor({ state: "detached" });
    await say(bob, "I do. And on your laptop?");
    await message(phone, "on your laptop").waitFor();
    await message(laptop, "on your laptop").waitFor();
    await say(laptop, "There too.");
    await message(phone, "There too.").waitFor();
    await shot(phone, "talk");

    // Unread, then read on one device: the other follows.
    await phone.reload();
    await phone.getByRole("navigation").getByRole("button", { name: /^bob/ }).waitFor();
    await laptop.getByRole("button", { name: "New group" }).click();
    await laptop.getByLabel("Name of the group").fill("Weekend");
    await laptop.getByLabel("Members").fill("bob");
    await laptop.getByRole("button", { name: "Create group" }).click();
    await laptop.getByRole("heading", { name: "Weekend" }).waitFor();
    await say(bob, "One more here");
    await phone.getByRole("navigation").getByLabel("1 unread").waitFor();
    await shot(phone, "unread");
    await laptop.getByRole("navigation").getByRole("button", { name: /^bob/ }).click();
    await phone.getByRole("navigation").getByLabel("1 unread").waitFor({ state: "detached" });

    // An edit and a message taken back are seen by all.
    await message(bob, "One more here").hover();
    await message(bob, "One more here").getByRole("button", { name: "Edit" }).click();
    await bob.getByLabel("Message", { exact: true }).fill("One more, changed");
    await bob.getByRole("button", { name: "Save" }).click();
    await message(laptop, "One more, changed").getByText("edited").waitFor();
    await message(bob, "One more, changed").hover();
    await message(bob, "One more, changed").getByRole("button", { name: "Take back" }).click();
    await message(laptop, "Message taken back").waitFor();
    for (const page of [phone, laptop, bob]) await page.context().close();
    assert.deepEqual(faults.splice(0), []);
  },
);

test("older messages come by scrolling back, in order and once", { timeout: 180_000 }, async () => {
  const signIn = await fetch(`${stack.apiUrl}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user: "bob", password: PASSWORD }),
  });
  const { token } = (await signIn.json()) as { token: string };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const listed = (await (await fetch(`${stack.apiUrl}/v1/conversations`, { headers })).json()) as {
    items: { conversation: string; peer?: string }[];
  };
  const conversation = listed.items.find(({ peer }) => peer === "alice")?.conversation ?? "";
  for (let i = 1; i <= 130; i += 1) {
    const sent = await fetch(`${stack.apiUrl}/v1/conversations/${conversation}/messages`, {
      method: "POST",
      headers,
      body: JSON.stringify({ id: `old-${i}`, body: { text: `line ${i}` } }),
    });
    assert.equal(sent.status, 201);
  }
  const page = await open();
  await sign(page, "alice", false);
  await page.getByRole("navigation").getByRole("button", { name: /^bob/ }).click();
  await message(page, "line 130").waitFor();
  const log = page.getByRole("log");
  for (let i = 0; i < 40 && (await message(page, "Hello Bob").count()) === 0; i += 1) {
    await log.evaluate((div) => {
      div.scrollTop = 0;
    });
    await page.waitForTimeout(100);
  }
  const lines = (await log.locator(".message").allInnerTexts())
    .flatMap((text) => /line (\d+)/.exec(text)?.[1] ?? [])
    .map(Number);
  assert.deepEqual(
    lines,
    Array.from({ length: 130 }, (_, i) => i + 1),
  );
  await shot(page, "scrolled");
  await page.context().close();
  assert.deepEqual(faults.splice(0), []);
});

test(
  "while the server is away a banner says so; what is written meanwhile is kept and sent",
  { timeout: 180_000 },
  async () => {
    const [page, bob] = [await open(), await open({ width: 420, height: 760 })];
    await sign(page, "alice", false);
    await sign(bob, "bob", false);
    await page.getByRole("navigation").getByRole("button", { name: /^bob/ }).click();
    await bob
      .getByRole("navigation")
      .getByRole("button", { name: /^alice/ })
      .click();
    const [connector] = stack.connectors;
    await connector?.kill();
    await page.getByRole("status").getByText("Reconnecting").waitFor();
    await say(page, "Written in the dark");
    await message(page, "Written in the dark").getByLabel("sending").waitFor();
    await shot(page, "reconnecting");
    connector?.start();
    await message(page, "Written in the dark").getByLabel("stored").waitFor({ timeout: 30_000 });
    await page.getByRole("status").waitFor({ state: "detached" });
    await message(bob, "Written in the dark").waitFor({ timeout: 30_000 });
    await shot(bob, "narrow");
    for (const one of [page, bob]) await one.context().close();
    assert.deepEqual(
      faults.splice(0).filter((what) => !/WebSocket connection/.test(what)),
      [],
    );
  },
);

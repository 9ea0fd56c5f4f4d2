import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { needChromium } from "@jichat/testkit/needs.ts";

/** Chromium, until the test is over. `hosts` says where an address of a page is in truth: `{"a.example:80": 1234}`. */
export async function openBrowser(
  t: TestContext,
  hosts: Readonly<Record<string, number>> = {},
): Promise<Browser> {
  const rules = Object.entries(hosts).map(([address, port]) => `MAP ${address} 127.0.0.1:${port}`);
  const browser = await chromium.launch({
    executablePath: await needChromium(),
    args: ["--no-sandbox", "--disable-dev-shm-usage", `--host-resolver-rules=${rules.join(", ")}`],
  });
  t.after(async () => browser.close());
  return browser;
}

/** A new person on a page whose fields have the names of the React sample. What the page complains of is in `faults`. */
export async function enter(
  browser: Browser,
  { url, user, faults }: { readonly url: string; readonly user: string; readonly faults: string[] },
): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.goto(url);
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password").fill("correct horse");
  await page.getByLabel("New here").check();
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByRole("status").getByText("online").waitFor();
  return page;
}

export async function writeTo(page: Page, user: string): Promise<void> {
  await page.getByLabel("Write to").fill(user);
  await page.getByRole("button", { name: "Open" }).click();
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "");
}

export const linesOf = (page: Page): Promise<string[]> =>
  page.getByLabel("Messages").getByRole("listitem").allTextContents();

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { buildPage } from "@jichat/testkit/build-page.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needChromium } from "@jichat/testkit/needs.ts";

/** A name of a local network: over HTTP, a browser does not trust it as it trusts localhost. */
export const LAN = "chat.test";
const PASSWORD = "correct horse";
const SCREENS = join(ROOT, ".data/screens");
/** Those that the README shows; `PICTURES=1` makes them anew. */
const PICTURES = join(ROOT, "docs/pictures");

interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  readonly locale?: string;
  /** Another address of the page than the api's own. */
  readonly url?: string;
}

/** A browser before a cluster of its own, and what its pages complained of. */
export class Scene {
  readonly stack: Stack;
  readonly #browser: Browser;
  readonly #destroy: () => Promise<void>;
  #faults: string[] = [];

  private constructor(stack: Stack, browser: Browser, destroy: () => Promise<void>) {
    this.stack = stack;
    this.#browser = browser;
    this.#destroy = destroy;
  }

  static async start(options: ThrowawayOptions = {}): Promise<Scene> {
    mkdirSync(SCREENS, { recursive: true });
    const { stack, destroy } = await startThrowaway({ webRoot: await buildPage(), ...options });
    try {
      const browser = await chromium.launch({
        executablePath: await needChromium(),
        args: ["--no-sandbox", "--disable-dev-shm-usage", `--host-resolver-rules=MAP ${LAN} 127.0.0.1`],
      });
      return new Scene(stack, browser, destroy);
    } catch (error) {
      await destroy();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.#browser.close();
    await this.#destroy();
  }

  async open(look: Look = {}): Promise<Page> {
    const { width = 1_080, height = 720, scheme = "light", locale = "en-US" } = look;
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale,
    });
    // Tabs that a page opens are listened to as well.
    context.on("page", (page) => {
      page.setDefaultTimeout(10_000);
      page.on("pageerror", (error) => this.#faults.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") this.#faults.push(`${message.text()} ${message.location().url}`);
      });
    });
    const page = await context.newPage();
    await page.goto(look.url ?? this.stack.apiUrl);
    return page;
  }

  /** A page with `user` signed in, who is made if `isNew`. */
  async enter(
    user: string,
    { isNew = false, ...look }: Look & { readonly isNew?: boolean } = {},
  ): Promise<Page> {
    const page = await this.open(look);
    if (isNew) await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: isNew ? "Sign up" : "Sign in" }).click();
    await page.getByRole("navigation", { name: "Conversations" }).waitFor();
    return page;
  }

  /** What pages wrote to their consoles as errors since the last call. */
  takeFaults(expected = /^$/): string[] {
    const faults = this.#faults.filter((what) => !expected.test(what));
    this.#faults = [];
    return faults;
  }

  async token(user: string): Promise<string> {
    const reply = await fetch(`${this.stack.apiUrl}/v1/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user, password: PASSWORD }),
    });
    return ((await reply.json()) as { token: string }).token;
  }
}

export async function leave(...pages: readonly Page[]): Promise<void> {
  for (const page of pages) await page.context().close();
}

export const composer = (page: Page) => page.getByLabel("Message", { exact: true });
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

export const message = (page: Page, text: string) =>
  page.getByRole("log").locator(".message", { hasText: text });
export const entry = (page: Page, name: string) =>
  page.getByRole("navigation").getByRole("button", { name: new RegExp(`^${name}`) });

/** Types the beginning of a name where people are looked for, and takes who is found. */
export async function pick(page: Page, label: string, user: string): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(user.slice(0, 3));
  await page.getByRole("option", { name: user }).click();
}

/** One for the README, if they are asked for; among the others always. */
export async function picture(page: Page, name: string): Promise<void> {
  await shot(page, name);
  if (process.env["PICTURES"] === "1")
    copyFileSync(join(SCREENS, `${name}.png`), join(PICTURES, `${name}.png`));
}

export async function shot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENS, `${name}.png`) });
}

/** axe finds nothing that keeps somebody out. */
export async function isOpenToAll(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(
    grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`),
    [],
    where,
  );
}

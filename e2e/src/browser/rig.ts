import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { signUp } from "@jichat/client";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needChromium } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../mint.ts";
import type { Task } from "./tasks.ts";
import { traced } from "./devtools.ts";
import { CONVERSATIONS, LINES, LOAD_ENV, Load, READER, THREADS, peerAt } from "./load.ts";
import type { SdkApp, SdkAppOptions } from "./sdk-app.ts";
import { SDK_PATH, buildSite } from "./site.ts";

const PASSWORD = "correct horse";
const ARRIVE_MS = 30_000;
const SCROLL_MS = 120_000;

declare const app: SdkApp;

/** Chromium before a cluster whose reader has many conversations. */
export class Rig {
  readonly #stack: Stack;
  readonly #browser: Browser;
  readonly #load: Load;

  private constructor(stack: Stack, browser: Browser, load: Load) {
    this.#stack = stack;
    this.#browser = browser;
    this.#load = load;
  }

  /** Removes all of it after `act`. */
  static async with<T>(act: (rig: Rig) => Promise<T>): Promise<T> {
    await using undo = new AsyncDisposableStack();
    const { folder, remove } = await buildSite();
    undo.defer(remove);
    const { stack, destroy } = await startThrowaway({ webRoot: folder, env: LOAD_ENV });
    undo.defer(destroy);
    await signUp({ user: READER, password: PASSWORD }, { api: stack.apiUrl });
    const load = undo.adopt(await Load.fill(stack), (filled) => {
      filled.close();
    });
    const args = ["--no-sandbox", "--disable-dev-shm-usage"];
    const browser = await chromium.launch({ executablePath: await needChromium(), args });
    undo.defer(async () => browser.close());
    return await act(new Rig(stack, browser, load));
  }

  /** The SDK with all conversations, and with 20 threads of 500 lines. */
  async openSdk(): Promise<Page> {
    const page = await this.#open(SDK_PATH);
    const options: SdkAppOptions = {
      user: READER,
      token: mint(this.#stack.secrets.signingKeyFile, { sub: READER }),
      peers: Array.from({ length: THREADS }, (_, i) => peerAt(i)),
      lines: LINES,
    };
    const [conversations, lines] = await page.evaluate(async (given) => app.open(given), options);
    assert.equal(conversations, CONVERSATIONS);
    assert.ok(lines >= THREADS * LINES, `${lines} lines are loaded`);
    return page;
  }

  /**
   * Our page with all conversations, and with one thread of 10,000 lines that is read up to its beginning.
   */
  async openPage(): Promise<Page> {
    const page = await this.#open("");
    await page.getByLabel("User name").fill(READER);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation").getByRole("listitem").first().waitFor();
    await page.keyboard.press("ControlOrMeta+k");
    await page.getByRole("combobox", { name: "Jump to a conversation or a person" }).fill(peerAt(0));
    await page.getByRole("option", { name: peerAt(0), exact: true }).click();
    const log = page.getByRole("log");
    await log.locator(".message").last().waitFor();
    await until(
      "the beginning of the thread is loaded",
      SCROLL_MS,
      async () => {
        await log.evaluate((div) => {
          div.scrollTop = 0;
        });
        return log.getByText("number 0,").isVisible();
      },
      30,
    );
    const latest = page.getByRole("button", { name: "Go to the latest" });
    await latest.click();
    await latest.waitFor({ state: "detached" });
    return page;
  }

  /** The tasks of the page's scripts while messages arrive for `ms`, until it shows the last one. */
  async tasks(page: Page, ms: number): Promise<readonly Task[]> {
    return traced(this.#browser, page, async () => {
      const last = await this.#load.talk(ms);
      await page.getByText(last).first().waitFor();
    });
  }

  async #open(path: string): Promise<Page> {
    const page = await (await this.#browser.newContext()).newPage();
    page.setDefaultTimeout(ARRIVE_MS);
    await page.goto(`${this.#stack.apiUrl}/${path}`);
    return page;
  }
}

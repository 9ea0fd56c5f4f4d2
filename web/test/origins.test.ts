import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { chromium } from "playwright-core";
import { ROOT } from "@jichat/testkit/cache.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needChromium } from "@jichat/testkit/needs.ts";
import { LAN } from "./scene.ts";

const BLOCKED =
  "has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";
const PREFLIGHT = "Response to preflight request doesn't pass access control check";
const FAILED = "TypeError: Failed to fetch";
const NO_UUID = "crypto.randomUUID is not a function";

/** The port of an app's own server, with one empty page. */
async function appOn(t: TestContext): Promise<number> {
  const app = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>app</title>");
  });
  await new Promise<void>((resolve) => {
    app.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => app.close());
  return (app.address() as AddressInfo).port;
}

/** What a page gets of one call, as text, and what the door of a socket does. */
const tries = (page: Page, api: string, ws: string) =>
  page.evaluate(
    async ([api = "", ws = ""]) => {
      const told = (call: Promise<Response>): Promise<string> =>
        call.then(({ status }) => String(status), String);
      const socket = new WebSocket(ws);
      const door = new Promise<number | "open">((resolve) => {
        socket.addEventListener("close", ({ code }) => {
          resolve(code);
        });
        socket.addEventListener("open", () => {
          // A door that lets it in waits for a hello.
          setTimeout(() => {
            resolve("open");
          }, 300);
        });
      });
      const headers = { authorization: "Bearer none" };
      const [plain, asked] = [
        await told(fetch(`${api}/v1/config`)),
        await told(fetch(`${api}/v1/me`, { headers })),
      ];
      return { plain, asked, door: await door };
    },
    [api, ws],
  );

test(
  "Chromium says what docs/browser-origins.md and docs/troubleshooting.md say of origins, and of http on a network",
  { timeout: 120_000 },
  async (t) => {
    const port = await appOn(t);
    const { stack, destroy } = await startThrowaway({ origins: [`http://localhost:${port}`] });
    t.after(destroy);
    const browser = await chromium.launch({
      executablePath: await needChromium(),
      args: ["--no-sandbox", "--disable-dev-shm-usage", `--host-resolver-rules=MAP ${LAN} 127.0.0.1`],
    });
    t.after(async () => browser.close());
    const said: string[] = [];
    const open = async (host: string): Promise<Page> => {
      const page = await browser.newPage();
      page.on("console", (message) => said.push(message.text()));
      await page.goto(`http://${host}:${port}`);
      return page;
    };
    const [ws = ""] = stack.wsUrls;

    const named = await tries(await open("localhost"), stack.apiUrl, ws);
    assert.deepEqual(named, { plain: "200", asked: "401", door: "open" });
    said.splice(0);

    // The same app by another name of this machine is another origin.
    const other = await tries(await open("127.0.0.1"), stack.apiUrl, ws);
    assert.deepEqual(other, { plain: FAILED, asked: FAILED, door: 4403 });
    assert.ok(
      said.some((text) => text.includes(BLOCKED)),
      said.join("\n"),
    );
    assert.ok(
      said.some((text) => text.includes(PREFLIGHT)),
      said.join("\n"),
    );

    const plain = await open(LAN);
    const why = await plain.evaluate(() => {
      try {
        return crypto.randomUUID();
      } catch (error) {
        return String(error);
      }
    });
    assert.equal(why, `TypeError: ${NO_UUID}`);
    assert.deepEqual(
      await plain.evaluate(() => [isSecureContext, typeof crypto.subtle, "serviceWorker" in navigator]),
      [false, "undefined", false],
    );
    assert.match(await plain.evaluate(() => typeof crypto.getRandomValues), /function/);

    const page = (name: string): string => readFileSync(join(ROOT, "docs", name), "utf8");
    for (const text of [BLOCKED, PREFLIGHT, FAILED])
      assert.ok(page("browser-origins.md").includes(text), text);
    for (const text of ["has been blocked by CORS policy", FAILED, NO_UUID])
      assert.ok(page("troubleshooting.md").includes(text), text);
  },
);

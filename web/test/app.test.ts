import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { chromium } from "playwright-core";
import { ROOT } from "@jichat/testkit/cache.ts";
import { needChromium } from "@jichat/testkit/needs.ts";
import { Scene, leave } from "./scene.ts";

const LIMIT = { timeout: 120_000 };

let scene: Scene;

before(async () => {
  scene = await Scene.start();
});
after(async () => {
  await scene?.end();
});

interface Icon {
  readonly file: string;
  readonly px: number;
  /** The part of the width that the drawing takes: systems cut the rim of a maskable icon. */
  readonly part: number;
  readonly background?: string;
  /** Android shows the shape alone, in a colour of its own. */
  readonly isShape?: boolean;
}

const ICONS: readonly Icon[] = [
  { file: "icon-192.png", px: 192, part: 1 },
  { file: "icon-512.png", px: 512, part: 1 },
  { file: "icon-maskable-512.png", px: 512, part: 0.62, background: "#fff" },
  { file: "icon-180.png", px: 180, part: 0.76, background: "#fff" },
  { file: "badge-96.png", px: 96, part: 1, isShape: true },
];

/** The icon as its PNG file, drawn from `icon.svg` anew; and how far the page's own file is from that, 0 to 1. */
const drawn = async (page: Page, icon: Icon): Promise<{ readonly png: string; readonly off: number }> =>
  page.evaluate(async ({ file, px, part, background, isShape = false }) => {
    const load = async (src: string): Promise<HTMLImageElement> => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return image;
    };
    const canvasOf = (): CanvasRenderingContext2D => {
      const canvas = document.createElement("canvas");
      canvas.width = px;
      canvas.height = px;
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("no canvas");
      return context;
    };
    const svg = await (await fetch("/icon.svg")).text();
    const sized = svg.replace("<svg ", `<svg width="${px}" height="${px}" `);
    const draw = async (context: CanvasRenderingContext2D, text: string): Promise<void> => {
      const image = await load(`data:image/svg+xml,${encodeURIComponent(text)}`);
      const [side, rim] = [px * part, (px * (1 - part)) / 2];
      context.drawImage(image, rim, rim, side, side);
    };
    const wanted = canvasOf();
    if (background !== undefined) {
      wanted.fillStyle = background;
      wanted.fillRect(0, 0, px, px);
    }
    if (isShape) {
      await draw(wanted, sized.replaceAll(/<circle [^>]*>/g, "").replace(/fill="#\w+"/, 'fill="#fff"'));
      wanted.globalCompositeOperation = "destination-out";
      await draw(wanted, sized.replaceAll(/<path [^>]*>/g, ""));
    } else await draw(wanted, sized);

    const own = canvasOf();
    const image = await load(`/${file}`).catch(() => undefined);
    if (image?.naturalWidth === px && image.naturalHeight === px) own.drawImage(image, 0, 0);
    const [one, other] = [wanted, own].map((context) => context.getImageData(0, 0, px, px).data);
    let sum = 0;
    for (const [at, value] of (one ?? []).entries()) sum += Math.abs(value - (other?.[at] ?? 0));
    return { png: wanted.canvas.toDataURL("image/png"), off: sum / (px * px * 4 * 255) };
  }, icon);

/** `PICTURES=1` makes them anew. */
for (const icon of ICONS)
  test(`${icon.file} is the drawing of icon.svg`, LIMIT, async () => {
    const page = await scene.open();
    const { png, off } = await drawn(page, icon);
    if (process.env["PICTURES"] === "1")
      writeFileSync(
        join(ROOT, "web/public", icon.file),
        Buffer.from(png.replace(/^data:image\/png;base64,/, ""), "base64"),
      );
    else assert.ok(off < 0.005, `it is off by ${off}: run this test with PICTURES=1, and look at it`);
    await leave(page);
  });

interface Manifest {
  readonly id: string;
  readonly name: string;
  readonly start_url: string;
  readonly display: string;
  readonly icons: readonly { readonly src: string; readonly sizes: string; readonly type: string }[];
}

test(
  "the manifest is served as one, and every icon of it loads with the type and size that it says",
  LIMIT,
  async () => {
    const reply = await fetch(`${scene.stack.apiUrl}/manifest.webmanifest`);
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get("content-type") ?? "", /^application\/manifest\+json/);
    const { id, name, start_url, display, icons } = (await reply.json()) as Manifest;
    assert.deepEqual([id, name, start_url, display], ["/", "JiChat", "/", "standalone"]);
    const page = await scene.open();
    for (const { src, sizes, type } of icons) {
      const file = await fetch(`${scene.stack.apiUrl}${src}`);
      assert.deepEqual([file.status, file.headers.get("content-type")?.split(";")[0]], [200, type], src);
      const size = await page.evaluate(async (src) => {
        const image = new Image();
        image.src = src;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}`;
      }, src);
      if (sizes !== "any") assert.equal(size, sizes, src);
    }
    await leave(page);
    assert.deepEqual(scene.takeFaults(), []);
  },
);

/** A profile on disk: a private window can install nothing. */
async function profile(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "jichat-app-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: await needChromium(),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  t.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return context;
}

test("the browser finds no fault in the manifest, and the page can be installed", LIMIT, async (t) => {
  const context = await profile(t);
  const page = await context.newPage();
  await page.goto(scene.stack.apiUrl);
  await page.evaluate(async () => navigator.serviceWorker.ready);
  const cdp = await context.newCDPSession(page);
  const { url, errors, data } = await cdp.send("Page.getAppManifest");
  assert.equal(url, `${scene.stack.apiUrl}/manifest.webmanifest`);
  assert.deepEqual(errors, []);
  assert.match(data ?? "", /standalone/);
  const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors, []);
  assert.deepEqual(await cdp.send("Page.getAppId").then(({ appId }) => appId), `${scene.stack.apiUrl}/`);
});

test("the page's colours are those of the system's bars, light and dark", LIMIT, async () => {
  for (const scheme of ["light", "dark"] as const) {
    const page = await scene.enter("annapp", { isNew: scheme === "light", scheme });
    const [bar, header] = await page.evaluate(() => [
      [...document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')].find(
        ({ media }) => matchMedia(media).matches,
      )?.content,
      getComputedStyle(document.querySelector(".side") ?? document.body).backgroundColor,
    ]);
    const rgb = [1, 3, 5].map((at) => Number.parseInt((bar ?? "").slice(at, at + 2), 16));
    assert.equal(header, `rgb(${rgb.join(", ")})`, scheme);
    await leave(page);
  }
  assert.deepEqual(scene.takeFaults(), []);
});

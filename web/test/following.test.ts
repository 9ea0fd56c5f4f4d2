import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Page } from "playwright-core";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { Scene, entry, leave, message, say } from "./scene.ts";

const LIMIT = { timeout: 120_000 };
const BEFORE = 200;
const BURST = 300;

let scene: Scene;
let page: Page;
let bob: ChatClient;
let told = 0;

before(async () => {
  scene = await Scene.start({ env: { connector: { MESSAGES_PER_SECOND: "10000" } } });
  const pages = [await scene.enter("alice", { isNew: true }), await scene.enter("bob", { isNew: true })];
  await leave(...pages);
  bob = new ChatClient({
    urls: scene.stack.wsUrls,
    device: "writer",
    token: async () => scene.token("bob"),
  });
  await bob.connect();
  await burst(BEFORE);
});
after(async () => {
  bob?.close();
  await scene?.end();
});
beforeEach(async () => {
  page = await scene.enter("alice");
  await entry(page, "bob").click();
  await newestIsInView();
});

const log = () => page.getByRole("log");
const latest = () => page.getByRole("button", { name: /latest|new/ });
const next = async (): Promise<unknown> => {
  told += 1;
  return bob.send({ to: "alice" }, { text: `line ${told}.` });
};

/** So many messages as fast as they go. */
const burst = async (count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, async () => next()));

/** Bursts one after the other for as long as `act` takes. */
async function during(act: () => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const talk = async (): Promise<void> => {
    while (!over.signal.aborted) await burst(20);
  };
  const talking = talk();
  try {
    await act();
  } finally {
    over.abort();
    await talking;
  }
}

/** Where the first message that is in view begins, from the top of the view. */
const placeOf = async (): Promise<{ readonly text: string; readonly top: number }> =>
  log().evaluate((div) => {
    const { top } = div.getBoundingClientRect();
    const first = [...div.querySelectorAll(".message")].find(
      (one) => one.getBoundingClientRect().bottom > top,
    );
    const text = first?.querySelector("p")?.firstChild?.textContent ?? "none";
    return { text, top: (first?.getBoundingClientRect().top ?? 0) - top };
  });

/** All of the newest message is in view, and the page says nothing of others below. */
async function newestIsInView(): Promise<void> {
  await message(page, `line ${told}.`).waitFor();
  await page.waitForTimeout(200);
  const [rest, isWhole] = await log().evaluate((div) => {
    const view = div.getBoundingClientRect();
    const box = [...div.querySelectorAll(".message")].at(-1)?.getBoundingClientRect();
    const isWhole = box !== undefined && box.top >= view.top && box.bottom <= view.bottom;
    return [div.scrollHeight - div.scrollTop - div.clientHeight, isWhole];
  });
  assert.ok(isWhole, `${rest} pixels are below the view`);
  assert.ok(rest <= 1, `${rest} pixels are below the view`);
  assert.equal(await latest().count(), 0);
}

async function stayed(before: Awaited<ReturnType<typeof placeOf>>): Promise<void> {
  const now = await placeOf();
  assert.equal(now.text, before.text);
  assert.ok(Math.abs(now.top - before.top) <= 1, `${before.text} moved by ${now.top - before.top} pixels`);
}

/** Resolves once the page has been told of all messages, wherever the view is. */
const heard = async (): Promise<void> => entry(page, "bob").getByText(`line ${told}.`).waitFor();

/** All messages get higher, as after a change of the text's size. */
const makeHigher = async (): Promise<unknown> =>
  page.evaluate(() => {
    const [sheet] = document.styleSheets;
    sheet?.insertRule(".message.message { padding-block: 40px; }", sheet.cssRules.length);
  });
const makeLower = async (): Promise<unknown> =>
  page.evaluate(() => {
    const [sheet] = document.styleSheets;
    sheet?.deleteRule(sheet.cssRules.length - 1);
  });

async function end(): Promise<void> {
  await leave(page);
  assert.deepEqual(scene.takeFaults(), []);
}

test("the view follows a burst", LIMIT, async () => {
  for (let i = 0; i < 3; i += 1) {
    await burst(BURST);
    await newestIsInView();
  }
  await end();
});

test("the view follows messages that come all the time, and one's own", LIMIT, async () => {
  await during(async () => page.waitForTimeout(2_000));
  await newestIsInView();
  await during(async () => {
    await say(page, "I follow");
    await page.waitForTimeout(300);
  });
  await newestIsInView();
  await end();
});

test("a burst that comes while the tab has no frames is in view once it has", LIMIT, async () => {
  await page.evaluate(() => {
    const held: FrameRequestCallback[] = [];
    const real = window.requestAnimationFrame;
    window.requestAnimationFrame = (act) => held.push(act);
    Object.assign(window, {
      show: () => {
        window.requestAnimationFrame = real;
        for (const act of held) real(act);
      },
    });
  });
  await burst(BURST);
  await heard();
  await page.evaluate(() => {
    (window as unknown as { readonly show: () => void }).show();
  });
  await newestIsInView();
  await end();
});

test("the view follows a burst while its size changes", LIMIT, async () => {
  await during(async () => {
    for (const height of [500, 900, 400, 720]) {
      await page.setViewportSize({ width: 1_080, height });
      await page.waitForTimeout(150);
    }
  });
  await newestIsInView();
  for (const height of [500, 900]) {
    await page.setViewportSize({ width: 1_080, height });
    await newestIsInView();
  }
  await end();
});

test("the view stays at the end when its messages get higher, and lower again", LIMIT, async () => {
  await makeHigher();
  await newestIsInView();
  await during(async () => page.waitForTimeout(500));
  await newestIsInView();
  await makeLower();
  await newestIsInView();
  await end();
});

test("who has scrolled up stays in place during a burst, and comes back to the newest", LIMIT, async () => {
  await log().evaluate((div) => {
    div.scrollTop -= 2_000;
  });
  await latest().waitFor();
  await page.waitForTimeout(300);
  const place = await placeOf();
  await burst(BURST);
  await heard();
  await latest().getByText(`${BURST} new`).waitFor();
  await stayed(place);
  await page.setViewportSize({ width: 1_080, height: 600 });
  await page.waitForTimeout(200);
  await stayed(place);
  await during(async () => latest().click());
  await newestIsInView();
  await end();
});

test("who has scrolled up stays in place when messages get higher", LIMIT, async () => {
  await log().evaluate((div) => {
    div.scrollTop -= 2_000;
  });
  await latest().waitFor();
  await page.waitForTimeout(300);
  const place = await placeOf();
  await makeHigher();
  await page.waitForTimeout(300);
  const now = await placeOf();
  assert.equal(now.text, place.text);
  await end();
});

/** Moves the view up by a wheel, whose notches the browser makes smooth. */
const byWheel = async (): Promise<void> => {
  await log().hover();
  for (let notches = 0; notches < 6; notches += 1) {
    await page.mouse.wheel(0, -100);
    await page.waitForTimeout(16);
  }
};

/** The same, a few pixels a frame, as a touchpad does. */
const byPixels = async (): Promise<void> =>
  log().evaluate(
    async (div) =>
      new Promise((resolve) => {
        let left = 100;
        const moving = setInterval(() => {
          div.scrollTop -= 6;
          left -= 1;
          if (left > 0) return;
          clearInterval(moving);
          resolve();
        }, 16);
      }),
  );

for (const [what, move] of [
  ["by a wheel", byWheel],
  ["pixel by pixel", byPixels],
] as const)
  test(`who scrolls up ${what} gets away from messages that come all the time`, LIMIT, async () => {
    await during(async () => {
      await page.waitForTimeout(300);
      await move();
      await latest().waitFor();
      await page.waitForTimeout(300);
      const place = await placeOf();
      await page.waitForTimeout(500);
      await stayed(place);
    });
    await latest().getByText(/new/).waitFor();
    await end();
  });

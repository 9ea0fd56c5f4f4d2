import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { until } from "@jichat/testkit/until.ts";
import { Scene, entry, isOpenToAll, leave, message, shot } from "./scene.ts";

const LIMIT = { timeout: 180_000 };
const [MEMBERS, CONVERSATIONS] = [200, 60];

let scene: Scene;

before(async () => {
  scene = await Scene.start({ env: { connector: { MESSAGES_PER_SECOND: "10000" } } });
});
after(async () => {
  await scene?.end();
});

test(
  "a group of 200 and a list of 60 conversations keep their form, and the reader's place",
  LIMIT,
  async () => {
    const page = await scene.enter("maker", { isNew: true });
    const device = new ChatClient({
      urls: scene.stack.wsUrls,
      device: "writer",
      token: async () => scene.token("maker"),
      outboxMax: 1_000,
    });
    await device.connect();
    const members = Array.from(
      { length: MEMBERS - 1 },
      (_, i) => `member-${String(199 - i).padStart(3, "0")}`,
    );
    const { conversation } = await device.createGroup("All of us", members);
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => device.send({ conversation }, { text: `line ${i + 1}.` })),
    );
    const topic = async (number: number): Promise<unknown> =>
      device.createGroup(`Topic number ${number}`, [`member-${String(number).padStart(3, "0")}`]);
    await Promise.all(Array.from({ length: CONVERSATIONS - 2 }, async (_, i) => topic(i + 1)));
    await topic(CONVERSATIONS - 1); // The latest stands first: of the others, partitions set the order.
    device.close();

    await entry(page, "Topic number 59").waitFor();
    const header = page.getByRole("navigation").locator("header");
    assert.equal((await header.boundingBox())?.height, 60, "the list does not squeeze the header");
    const list = page.getByRole("navigation");
    assert.ok((await list.getByRole("listitem").count()) < 40, "what is not on the screen is not drawn");
    const topics = list.getByRole("listitem").filter({ hasText: "Topic number 59" });
    assert.deepEqual(
      await topics.evaluate((item) => [item.ariaPosInSet, item.ariaSetSize]),
      ["1", String(CONVERSATIONS)],
      "screen readers are told the place among all",
    );
    await shot(page, "conversations");
    await page.keyboard.press("ControlOrMeta+k");
    await page.getByRole("combobox", { name: "Jump to a conversation or a person" }).fill("all of");
    await page.getByRole("option", { name: "All of us" }).click();
    await message(page, "line 200.").waitFor();
    const log = page.getByRole("log");
    await log.hover();
    const away = page.getByRole("button", { name: "Go to the latest" });
    // The first wheel may come while the view still moves to the newest message.
    await until("the reader is away from the bottom", 10_000, async () => {
      await page.mouse.wheel(0, -1_500);
      return away.isVisible();
    });
    await page.getByRole("log").and(page.locator('[aria-busy="false"]')).waitFor();
    const place = async (): Promise<number> => log.evaluate((div) => div.scrollHeight - div.scrollTop);
    const before = await place();
    await page.getByRole("button", { name: "Members" }).click();
    const panel = page.getByRole("region", { name: "Members" });
    await panel.getByRole("heading", { name: "200 members" }).waitFor();
    const names = (): Promise<string[]> => panel.locator(".members .name").allTextContents();
    const top = await names();
    assert.deepEqual([top[0], top.length < 40], ["maker", true]);
    assert.deepEqual(
      top,
      top.toSorted((a, b) => a.localeCompare(b, "en")),
    );
    const first = panel.getByRole("listitem").first();
    assert.equal(await first.getAttribute("aria-setsize"), String(MEMBERS));
    await shot(page, "members");
    await isOpenToAll(page, "a group of 200");
    await panel.locator(".members").evaluate((div) => {
      div.scrollTop = div.scrollHeight;
    });
    await panel.getByText("member-199").waitFor();
    assert.equal((await names()).at(-1), "member-199");
    await panel.getByLabel("Filter members").fill("199");
    await panel.getByText("member-199").waitFor();
    assert.equal(await panel.locator(".members .member").count(), 1);
    await panel.getByRole("button", { name: "Close" }).click();
    assert.equal(await place(), before, "the thread is where it was");
    await shot(page, "crowd");
    await leave(page);
    assert.deepEqual(scene.takeFaults(), []);
  },
);

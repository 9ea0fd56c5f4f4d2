import assert from "node:assert/strict";
import { test } from "node:test";
import { act, createElement } from "react";
import { renderToString } from "react-dom/server";
import { ChatScene } from "@jichat/client/test/chat-scene.ts";
import { Screen, probe, strictly } from "../test/screen.ts";
import { Drafts, draftsOf } from "./drafts.ts";
import { ChatProvider, useComposer } from "./index.ts";

const BOB = { to: "bob" };
const write = (setText: (text: string) => void, text: string): Promise<void> =>
  act(async () => {
    setText(text);
  });

test("a draft is shared by the composers of a target, outlives them, and is sent once", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  const screen = new Screen();
  const [one, two] = [
    probe(
      () => useComposer(BOB),
      ({ text }) => text,
    ),
    probe(
      () => useComposer(BOB),
      ({ text }) => `|${text}`,
    ),
  ];
  const carol = probe(
    () => useComposer({ to: "carol" }),
    ({ text }) => `|${text}`,
  );
  const page = createElement(
    ChatProvider,
    { chat },
    ...[one, two, carol].map(({ Probe }) => createElement(Probe)),
  );
  await screen.show(strictly(page));
  assert.deepEqual([one.last().isReady, one.last().canSend], [true, false]);
  await write(one.last().setText, "  hi ");
  assert.equal(screen.text, "  hi |  hi |");
  await screen.leave();
  const again = new Screen();
  await again.show(strictly(page));
  assert.equal(again.text, "  hi |  hi |");
  let id: string | undefined;
  await act(async () => {
    id = two.last().send({ mentions: ["bob"] });
    assert.equal(two.last().send(), undefined);
  });
  assert.equal(again.text, "||");
  assert.deepEqual(
    chat.unsent.get().map(({ id, body, mentions }) => [id, body, mentions]),
    [[id, { text: "hi" }, ["bob"]]],
  );
  await again.leave();
  await scene.close(chat);
});

test("spaces are not sent; a message that is refused at once stays in the draft", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  const screen = new Screen();
  const bodyOf = (text: string): object => ({ text, at: 1n });
  const { Probe, last } = probe(
    () => useComposer(BOB, bodyOf),
    ({ text }) => text,
  );
  await screen.show(createElement(ChatProvider, { chat }, createElement(Probe)));
  await write(last().setText, "   ");
  assert.deepEqual([last().canSend, last().send(), screen.text], [false, undefined, "   "]);
  await write(last().setText, "hi");
  assert.throws(() => last().send(), { code: "FRAME_MALFORMED", message: /body\.at/ });
  assert.deepEqual([last().canSend, screen.text], [true, "hi"]);
  await screen.leave();
  await scene.close(chat);
});

test("while there is no chat a composer is not ready, and nothing can be written", async () => {
  const { Probe, last } = probe(
    () => useComposer(BOB),
    ({ isReady, text }) => `${isReady}${text}`,
  );
  assert.equal(
    renderToString(createElement(ChatProvider, { chat: undefined }, createElement(Probe))),
    "<p>false</p>",
  );
  assert.throws(
    () => {
      last().setText("lost");
    },
    { code: "UNAVAILABLE" },
  );
  assert.throws(() => last().send(), { code: "UNAVAILABLE" });
});

test("a thousand drafts are kept; of one more, the one least recently written is dropped", () => {
  const drafts = new Drafts();
  for (let i = 0; i < 1_000; i += 1) drafts.set(`to ${i}`, "draft");
  drafts.set("to 0", "changed");
  assert.deepEqual([drafts.get("to 0"), drafts.get("to 1")], ["changed", "draft"]);
  drafts.set("to 1000", "draft");
  assert.deepEqual([drafts.get("to 0"), drafts.get("to 1"), drafts.get("to 2")], ["changed", "", "draft"]);
});

test("a listener that left is told nothing; another chat has other drafts", () => {
  const [chat, other] = [{}, {}];
  const heard: string[] = [];
  const stop = draftsOf(chat).subscribe(() => heard.push(draftsOf(chat).get("to bob")));
  draftsOf(chat).set("to bob", "hi");
  stop();
  draftsOf(chat).set("to bob", "");
  assert.deepEqual([heard, draftsOf(other).get("to bob")], [["hi"], ""]);
});

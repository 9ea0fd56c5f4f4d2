import assert from "node:assert/strict";
import { test } from "node:test";
import { act, createElement } from "react";
import type { FunctionComponent, ReactElement } from "react";
import { renderToString } from "react-dom/server";
import type { Chat } from "@jichat/client";
import { ChatScene } from "@jichat/client/test/chat-scene.ts";
import { Screen, probe, strictly } from "../test/screen.ts";
import {
  ChatProvider,
  useChat,
  useConnection,
  useConversation,
  useConversations,
  useMessages,
  useProfile,
  useUnread,
} from "./index.ts";

const BOB = { to: "bob" };

const within = (chat: Chat | undefined, Page: FunctionComponent): ReactElement =>
  createElement(ChatProvider, { chat }, createElement(Page));

/** Lets the server answer, and React draw. */
const pass = async (scene: ChatScene, ms = 1_000): Promise<void> => {
  await act(async () => {
    await scene.clock.pass(ms);
  });
};

/** A page of one conversation as an application writes it: who said what, and what is on its way. */
const Page: FunctionComponent = () => {
  const { state } = useConnection();
  const { conversations, unread } = useConversations();
  const { lines, pending } = useMessages<{ readonly text?: string }>(BOB);
  const said = lines
    .filter(({ kind }) => kind === "message")
    .map(({ from, body }) => `${from}:${body?.text}`);
  const sending = pending.map(({ state, body }) => `${state}:${body.text}`);
  return createElement("p", null, [state, conversations.length, unread, ...said, ...sending].join(" "));
};

test("a server renders a page without a chat, and a browser takes it over and shows the chat", async () => {
  const html = renderToString(within(undefined, Page));
  assert.equal(html, "<p>connecting 0 0</p>");
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  const screen = new Screen();
  await screen.hydrate(html, strictly(within(chat, Page)));
  assert.deepEqual(screen.faults, []);
  await pass(scene);
  assert.equal(screen.text, "online 1 1 bob:undefined");
  await screen.leave();
  await scene.close(chat);
});

test("a chat that exists at a server is not rendered there: a browser would begin otherwise", async () => {
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  assert.equal(renderToString(within(chat, Page)), "<p>connecting 0 0</p>");
  await scene.close(chat);
});

test("a message is shown as it is sent, and once when it is stored", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  const screen = new Screen();
  const { Probe, last } = probe(
    () => useMessages(BOB),
    () => "",
  );
  await screen.show(
    strictly(createElement(ChatProvider, { chat }, createElement(Page), createElement(Probe))),
  );
  await pass(scene);
  await act(async () => {
    last().send({ text: "hi" });
  });
  assert.equal(screen.text, "online 0 0 waiting:hi");
  await pass(scene);
  assert.equal(screen.text, "online 1 0 ann:hi");
  await screen.leave();
  await scene.close(chat);
});

test("StrictMode mounts twice and loads once; what unmounts leaves the chat open, and no listener", async () => {
  const scene = new ChatScene();
  scene.write("bob", 3);
  const chat = await scene.open();
  let pulls = 0;
  const pull = chat.client.pull.bind(chat.client);
  chat.client.pull = async (...args) => {
    pulls += 1;
    return pull(...args);
  };
  let listeners = 0;
  const subscribe = chat.conversations.subscribe;
  Object.assign(chat.conversations, {
    subscribe: (listener: () => void) => {
      listeners += 1;
      const stop = subscribe(listener);
      return () => {
        listeners -= 1;
        stop();
      };
    },
  });
  const screen = new Screen();
  await screen.show(strictly(within(chat, Page)));
  await pass(scene);
  assert.deepEqual([pulls, listeners, chat.thread(BOB).isUsed], [1, 1, true]);
  await screen.leave();
  assert.deepEqual([listeners, chat.thread(BOB).isUsed, chat.status.get().state], [0, false, "online"]);
  const again = new Screen();
  await again.show(strictly(within(chat, Page)));
  assert.match(again.text, /^online 1 3( bob:undefined){3}$/);
  await again.leave();
  await scene.close(chat);
});

test("pages are loaded both ways, and the window has no hole", async () => {
  const scene = new ChatScene();
  scene.write("bob", 120);
  const chat = await scene.open({ linesMax: 60 });
  const screen = new Screen();
  const { Probe, last } = probe(
    () => useMessages(BOB),
    () => "",
  );
  await screen.show(strictly(within(chat, Probe)));
  await pass(scene);
  const seqs = (): number[] => last().lines.map(({ seq }) => seq);
  const page = async (load: () => Promise<void>): Promise<void> => {
    await act(async () => {
      const loaded = load();
      await scene.clock.pass(1_000);
      await loaded;
    });
  };
  assert.deepEqual([seqs().at(-1), last().hasOlder, last().hasNewer], [121, true, false]);
  while (last().hasOlder) await page(last().loadOlder);
  assert.deepEqual([seqs()[0], last().hasNewer], [1, true]);
  while (last().hasNewer) await page(last().loadNewer);
  assert.deepEqual(
    seqs(),
    Array.from({ length: 60 }, (_, i) => 62 + i),
  );
  await page(async () => last().jumpTo(30));
  assert.ok(seqs().includes(30));
  await page(last().jumpToLatest);
  assert.equal(seqs().at(-1), 121);
  await screen.leave();
  await scene.close(chat);
});

test("what did not change is the same object, and its component is not rendered again", async () => {
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  const screen = new Screen();
  const bob = probe(
    () => useMessages({ to: "bob" }),
    () => "",
  );
  const unread = probe(() => useUnread());
  const carolUnread = probe(() => useUnread("d_carol"));
  const row = probe(
    () => useConversation("d_bob"),
    (view) => String(view?.unread),
  );
  const probes = [bob, unread, carolUnread, row];
  const page = (): ReactElement =>
    createElement(ChatProvider, { chat }, ...probes.map(({ Probe }) => createElement(Probe)));
  await screen.show(page());
  await pass(scene);
  const counts = (): number[] => probes.map(({ rendered }) => rendered.length);
  const before = counts();
  // Another conversation: neither this thread nor this row, and a number only where it changes.
  await act(async () => {
    scene.write("carol", 1);
    await scene.clock.pass(1_000);
  });
  const [inThread = 0, inAll = 0, inCarol = 0, inRow = 0] = counts().map(
    (count, i) => count - (before[i] ?? 0),
  );
  assert.deepEqual([inThread, inAll >= 1, inCarol >= 1, inRow], [0, true, true, 0]);
  assert.deepEqual([unread.last(), carolUnread.last()], [2, 1]);
  // A parent that renders again gives an equal target: nothing new comes of it.
  const known = bob.last();
  await screen.show(page());
  assert.equal(bob.last(), known);
  await screen.leave();
  await scene.close(chat);
});

test("a number that stays the same renders nothing, though its conversation changed", async () => {
  const scene = new ChatScene();
  scene.write("bob", 2);
  const chat = await scene.open();
  const screen = new Screen();
  const unread = probe(() => useUnread("d_bob"));
  const row = probe(
    () => useConversation("d_bob"),
    () => "",
  );
  await screen.show(
    createElement(ChatProvider, { chat }, createElement(unread.Probe), createElement(row.Probe)),
  );
  await pass(scene);
  const [numbers, rows] = [unread.rendered.length, row.rendered.length];
  await act(async () => {
    scene.server.friendChanges("bob", "edited");
    await scene.clock.pass(1_000);
  });
  assert.ok(row.rendered.length > rows);
  assert.deepEqual([unread.rendered.length, unread.last()], [numbers, 2]);
  await screen.leave();
  await scene.close(chat);
});

test("the connection tells why it is lost and when it is tried again; a name is looked up once", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  const screen = new Screen();
  const status = probe(useConnection, ({ state }) => state);
  const profile = probe(
    () => useProfile("bob"),
    ({ user, name }) => ` ${name ?? user}`,
  );
  await screen.show(
    strictly(
      createElement(ChatProvider, { chat }, createElement(status.Probe), createElement(profile.Probe)),
    ),
  );
  await pass(scene);
  assert.deepEqual([screen.text, scene.asked], ["online BOB", ["bob"]]);
  scene.server.temper = "down";
  await act(async () => {
    scene.server.disturb("cut");
    await scene.clock.pass(100);
  });
  assert.equal(status.last().state, "offline");
  assert.equal(status.last().error?.code, "UNAVAILABLE");
  await screen.leave();
  await scene.close(chat);
});

test("another chat takes the place of the first: nothing of the first is shown", async () => {
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  const screen = new Screen();
  await screen.show(within(chat, Page));
  await pass(scene);
  assert.equal(screen.text, "online 1 1 bob:undefined");
  await screen.show(within(undefined, Page));
  assert.equal(screen.text, "connecting 0 0");
  await screen.leave();
  assert.equal(chat.thread(BOB).isUsed, false);
  await scene.close(chat);
});

test("without a chat there is nothing to load or to mark, and what would write is UNAVAILABLE", async () => {
  const screen = new Screen();
  const { Probe, last } = probe(
    () => useMessages(BOB),
    ({ loading }) => String(loading),
  );
  await screen.show(within(undefined, Probe));
  assert.equal(screen.text, "latest");
  const { markRead, loadOlder, loadNewer, jumpTo, jumpToLatest, ...writes } = last();
  markRead();
  for (const load of [loadOlder, loadNewer, jumpToLatest, async () => jumpTo(1)]) await load();
  const unavailable = { code: "UNAVAILABLE", message: /no `chat`/ };
  assert.throws(() => writes.send({}), unavailable);
  assert.throws(() => writes.retry("id"), unavailable);
  assert.throws(() => writes.discard("id"), unavailable);
  await assert.rejects(writes.edit(1, {}), unavailable);
  await assert.rejects(writes.recall(1), unavailable);
  await screen.leave();
});

test("without a provider, a hook says what is missing", () => {
  const { Probe } = probe(useChat);
  assert.throws(() => renderToString(createElement(Probe)), {
    code: "INVALID",
    message: /<ChatProvider>/,
  });
});

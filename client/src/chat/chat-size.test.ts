import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ChatScene } from "../../test/chat-scene.ts";
import { ME } from "../../test/model-store.ts";

const CONVERSATIONS = 1_000;
const [THREADS, LINES] = [20, 500];
const HEAP_BYTES_MAX = 60 * 1_024 * 1_024;
/** What one frame of a screen has, in milliseconds. */
const TASK_MS_MAX = 16;
/** Events that are measured: ten seconds at 100 a second. */
const EVENTS = 1_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** A server with many conversations, whose own memory does not count: it is there before the chat. */
function crowd(): ChatScene {
  const scene = new ChatScene();
  for (let i = 0; i < CONVERSATIONS; i += 1) scene.server.store.direct(`p${i}`, `p${i}`);
  for (let i = 0; i < THREADS; i += 1)
    for (let n = 0; n < LINES + 50; n += 1) {
      const body = { text: `a message of the usual length, number ${n}, which somebody reads once` };
      const conversation = scene.server.store.direct(`p${i}`, `p${i}`);
      scene.server.store.append(conversation, { kind: "message", from: `p${i}`, id: `m${i}-${n}`, body });
    }
  return scene;
}

test(`${CONVERSATIONS} conversations and ${THREADS * LINES} messages take less than 60 MB; while 100 messages come a second, no task takes a frame`, async () => {
  const scene = crowd();
  const before = heapBytes();
  const chat = await scene.open();
  const threads = Array.from({ length: THREADS }, (_, i) => chat.thread({ to: `p${i}` }));
  for (const thread of threads) thread.subscribe(() => thread.get());
  chat.conversations.subscribe(() => chat.conversations.get());
  await scene.clock.pass(1_000);
  for (const thread of threads)
    while (thread.get().lines.length < LINES) {
      void thread.loadOlder();
      await scene.clock.pass(200);
    }
  const held = threads.reduce((sum, thread) => sum + thread.get().lines.length, 0);
  const bytes = heapBytes() - before;
  assert.deepEqual([chat.conversations.get().conversations.length, held], [CONVERSATIONS, THREADS * LINES]);
  assert.ok(bytes < HEAP_BYTES_MAX, `${bytes} bytes`);

  // A task is one message of the socket with all that follows it. Time of this thread, since others run
  // beside.
  const tasks: number[] = [];
  for (let i = 0; i < EVENTS; i += 1) {
    const peer = `p${(i * 7) % CONVERSATIONS}`;
    scene.server.deliver(
      scene.server.store.append(scene.server.store.direct(peer, ME), {
        kind: "message",
        from: peer,
        body: {},
      }),
    );
    const { user, system } = process.threadCpuUsage();
    await scene.clock.pass(10);
    const spent = process.threadCpuUsage({ user, system });
    tasks.push((spent.user + spent.system) / 1_000);
  }
  tasks.sort((a, b) => a - b);
  const [median = 0, most = 0] = [tasks[EVENTS / 2], tasks[Math.floor(EVENTS * 0.999)]];
  assert.ok(most < TASK_MS_MAX, `${most} ms, half of them ${median} ms`);
  assert.equal(
    chat.conversations.get().unread,
    scene.server.store.conversations.values().reduce((sum, { no }) => sum + no, 0),
  );
  await scene.close(chat);
});

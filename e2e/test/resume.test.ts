import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { Device } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const MISSED = 500;

test(
  "a device that was offline for 500 messages gets exactly them, in order, and nothing that it had",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, { env: { connector: { MESSAGES_PER_SECOND: "1000" } } });
    const ledger = new Ledger();
    const ann = new Device(stack, ledger, { user: "ann", name: "phone" });
    const token = async (): Promise<string> => mint(stack.secrets.signingKeyFile, { sub: "bob" });
    const first = new ChatClient({ urls: stack.wsUrls, device: "phone", token });
    t.after(() => {
      for (const client of [ann.client, first]) client.close();
    });
    await Promise.all([ann.arrive(), first.connect()]);
    const feed = first.events();
    for (let i = 0; i < 100; i += 1) await ann.send({ to: "bob" }, { i });
    const had: ChatEvent[] = [];
    for await (const notice of feed) {
      if (notice.t === "event") had.push(notice.event);
      if (had.length === 101) break; // `created`, and a hundred messages.
    }
    let seen = first.seen();
    for (; seen === undefined; seen = first.seen()) await sleep(50); // The first sync sets its cursor.
    first.close();

    await Promise.all(Array.from({ length: MISSED }, (_, i) => ann.send({ to: "bob" }, { missed: i })));

    // What this device asks for, frame by frame, and how much it had heard by then.
    const asked: { t: string; after?: number; since?: string; heard: number }[] = [];
    const plain = globalThis.WebSocket;
    globalThis.WebSocket = class extends plain {
      #heard = 0;

      constructor(...how: ConstructorParameters<typeof plain>) {
        super(...how);
        this.addEventListener("message", () => (this.#heard += 1));
      }

      override send(data: string): void {
        asked.push({ ...(JSON.parse(data) as { t: string }), heard: this.#heard });
        super.send(data);
      }
    };
    t.after(() => {
      globalThis.WebSocket = plain;
    });
    const second = new ChatClient({ urls: stack.wsUrls, device: "phone", token, resume: seen });
    t.after(() => {
      second.close();
    });
    const missed: ChatEvent[] = [];
    const reading = (async () => {
      for await (const notice of second.events()) {
        if (notice.t === "event") missed.push(notice.event);
        if (missed.length >= MISSED) return;
      }
    })();
    await second.connect();
    await reading;
    await sleep(500);

    assert.deepEqual(
      missed.map(({ seq }) => seq),
      Array.from({ length: MISSED }, (_, i) => 102 + i),
    );
    assert.deepEqual(
      missed.map(({ body }) => (body as { missed: number }).missed),
      Array.from({ length: MISSED }, (_, i) => i),
    );
    const pulls = asked.filter((frame) => frame.t === "pull");
    assert.ok(
      pulls.length > 0 && pulls.every(({ after }) => after !== undefined && after >= 101),
      JSON.stringify(pulls),
    );
    assert.deepEqual(
      asked.filter(({ t }) => t === "sync").map(({ since, heard }) => [since, heard]),
      [[seen.cursor, 0]],
      "it syncs from where it was, once, and does not wait for its welcome",
    );
    assert.deepEqual(
      ledger.check().filter(({ invariant }) => invariant === "I3"),
      [],
    );
  },
);

test(
  "a member who leaves, misses 100 messages and is invited again sees neither those nor a hole",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, { env: { connector: { MESSAGES_PER_SECOND: "1000" } } });
    const ledger = new Ledger();
    const [ann, bob] = [
      new Device(stack, ledger, { user: "ann", name: "phone" }),
      new Device(stack, ledger, { user: "bob", name: "phone" }),
    ];
    t.after(() => {
      for (const { client } of [ann, bob]) client.close();
    });
    const seqs: number[] = [];
    const feed = bob.client.events();
    void (async () => {
      for await (const notice of feed) if (notice.t === "event") seqs.push(notice.event.seq);
    })();
    await Promise.all([ann.arrive(), bob.arrive()]);
    const { conversation } = await ann.client.createGroup("round", ["bob"]);
    await ann.send({ conversation }, { text: "before" });
    const left = await bob.client.leave(conversation);
    for (let i = 0; i < 100; i += 1) await ann.send({ conversation }, { secret: i });

    const past = await bob.client.pull(conversation, { limit: 200 });
    assert.deepEqual(
      [past.first, past.head, past.events.map(({ seq }) => seq)],
      [1, left.seq, [1, 2, left.seq]],
    );
    assert.deepEqual((await bob.client.pull(conversation, { after: left.seq })).events, []);

    const joined = await ann.client.invite(conversation, ["bob"]);
    await ann.send({ conversation }, { text: "after" });
    await sleep(1_500);
    assert.equal(joined.seq, left.seq + 101);
    // One's own leaving is known by its ack.
    assert.deepEqual(seqs, [1, 2, joined.seq, joined.seq + 1]);
    const again = await bob.client.pull(conversation, { limit: 200 });
    assert.deepEqual(
      [again.first, again.head, again.events.map(({ seq }) => seq)],
      [joined.seq, joined.seq + 1, [joined.seq, joined.seq + 1]],
    );
    assert.deepEqual((await bob.client.pull(conversation, { before: joined.seq })).events, []);
    const [listed] = (await bob.client.list()).conversations;
    assert.ok(listed !== undefined && !("left" in listed));
    assert.deepEqual([listed.first, listed.read, listed.unread], [joined.seq, joined.seq, 1]);
  },
);

test(
  "a device that connects again replaces its session, on the same or another connector, and other devices stay",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t);
    const token = mint(stack.secrets.signingKeyFile, { sub: "ann" });
    const sockets = [0, 1].map((i) => new Raw(stack.wsUrls[i] ?? ""));
    const other = new Raw(stack.wsUrls[2] ?? "");
    await other.hello(token, "laptop");
    for (const socket of sockets) assert.equal((await socket.hello(token, "phone")).t, "welcome");
    assert.equal((await sockets[0]?.closed)?.code, 4409);
    const third = new Raw(stack.wsUrls[1] ?? "");
    assert.equal((await third.hello(token, "phone")).t, "welcome");
    assert.equal((await sockets[1]?.closed)?.code, 4409);
    for (const socket of [other, third]) assert.equal((await socket.ask({ t: "ping", id: "p" })).t, "pong");
    for (const socket of [other, third]) socket.close();
  },
);

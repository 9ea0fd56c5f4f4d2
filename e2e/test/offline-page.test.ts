import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Chat, Live, Session, Store } from "@jichat/client";
import { memoryStore, openChat, signIn, signUp } from "@jichat/client";
import { ROOT } from "@jichat/testkit/cache.ts";
import { startStack } from "../src/scene.ts";

type Body = { readonly text: string };

interface Programs {
  readonly open: (who: object, store: Store) => Promise<Chat<Body>>;
  readonly statusLine: (chat: Chat<Body>) => string;
  readonly encryptedStore: (store: Store, key: CryptoKey) => Store;
  readonly leave: (chat: Chat<Body>, session: Session, api: string) => Promise<boolean>;
}

/** The programs of docs/offline.md, each a file as the page has it. */
class Page {
  readonly #folder = join(ROOT, ".data", `offline-${process.pid}`);

  constructor(t: TestContext) {
    mkdirSync(this.#folder, { recursive: true });
    t.after(() => {
      rmSync(this.#folder, { recursive: true });
    });
    const page = readFileSync(join(ROOT, "docs/offline.md"), "utf8");
    for (const [, text = "", name = ""] of page.matchAll(/```ts\n(\/\/ ([\w-]+\.ts)\n[^]*?)```/g))
      writeFileSync(join(this.#folder, name), text);
  }

  /** What a program exports. Each `copy` is loaded for itself, as a tab does. */
  async load<T>(name: string, copy = 0): Promise<T> {
    const { href } = pathToFileURL(join(this.#folder, name));
    return (await import(`${href}?copy=${copy}`)) as T;
  }
}

/** Resolves once the value is as wanted. The test's own time-out ends a wait in vain. */
async function until<T>(live: Live<T>, isAsWanted: (value: T) => boolean): Promise<void> {
  if (isAsWanted(live.get())) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = live.subscribe(() => {
    if (isAsWanted(live.get())) resolve();
  });
  await promise;
  stop();
}

/** The texts of a thread. */
const texts = (chat: Chat<Body>, peer: string): readonly (string | undefined)[] =>
  chat
    .thread({ to: peer })
    .get()
    .lines.filter(({ kind }) => kind === "message")
    .map((line) => ("body" in line ? line.body?.text : undefined));

test(
  "the programs of docs/offline.md: kept encrypted, written offline, sent once after a restart, forgotten at sign-out",
  { timeout: 120_000 },
  async (t) => {
    const page = new Page(t);
    const { open, statusLine, encryptedStore, leave } = {
      ...(await page.load<Pick<Programs, "open" | "statusLine">>("open.ts")),
      ...(await page.load<Pick<Programs, "encryptedStore">>("encrypted-store.ts")),
      ...(await page.load<Pick<Programs, "leave">>("leave.ts")),
    };
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: { "*": { PEOPLE_MUST_EXIST: "yes" } },
    });
    const api = stack.apiUrl;
    const password = "correct horse";
    for (const user of ["ann", "bob"]) await signUp({ user, password }, { api });
    const session = await signIn({ user: "ann", password }, { api });
    const bobs = await signIn({ user: "bob", password }, { api });
    const kept = memoryStore();
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    const store = encryptedStore(kept, key);
    const who = { api, user: "ann", device: "laptop", token: async () => session.token };

    const first = await open(who, store);
    first.thread({ to: "bob" }).send({ text: "hello" });
    await until(first.unsent, ({ length }) => length === 0);
    await until(first.conversations, ({ conversations }) => conversations[0]?.last !== undefined);
    assert.equal(statusLine(first), "online");
    await first.close();

    const edges = [...stack.connectors, stack.api];
    for (const part of edges) await part.stop(5_000);
    const second = await open(who, store);
    await until(second.status, ({ state }) => state === "offline");
    const { conversations, isComplete } = second.conversations.get();
    assert.deepEqual([conversations.map(({ name }) => name), isComplete], [["bob"], false]);
    for (const text of ["later", "later still"]) second.thread({ to: "bob" }).send({ text });
    assert.match(statusLine(second), /^offline, next try in \d+ s \(UNAVAILABLE\); 2 unsent$/);
    await second.close();
    const names = await kept.keys("");
    const raw = await Promise.all(names.map(async (name) => kept.get(name)));
    assert.ok(names.length >= 4 && !JSON.stringify(raw).includes("later"), "kept, and not readable");

    for (const part of edges) part.start();
    await Promise.all(edges.map((part) => part.ready(30_000)));
    const bob = await openChat<Body>({ ...who, user: "bob", device: "phone", token: async () => bobs.token });
    t.after(async () => bob.close());
    const stop = bob.thread({ to: "ann" }).subscribe(() => undefined);
    const third = await open(who, store);
    await until(third.unsent, ({ length }) => length === 0);
    await until(bob.thread({ to: "ann" }), () => texts(bob, "ann").length >= 3);
    assert.deepEqual(texts(bob, "ann"), ["hello", "later", "later still"]);
    stop();

    assert.equal(await leave(third, session, api), true);
    assert.deepEqual(await kept.keys(""), []);
    const again = await open(who, store);
    await until(again.status, ({ state }) => state === "closed");
    assert.equal(again.status.get().error?.code, "UNAUTHENTICATED");
    await again.close();
  },
);

test("a tab has its device of docs/offline.md again after a reload, and a duplicated one gets another", async (t) => {
  const page = new Page(t);
  const channels: BroadcastChannel[] = [];
  const Plain = globalThis.BroadcastChannel;
  globalThis.BroadcastChannel = class extends Plain {
    constructor(name: string) {
      super(name);
      channels.push(this);
    }
  };
  const closeAll = (): void => {
    for (const channel of channels.splice(0)) channel.close();
  };
  const kept: Record<string, string> = {};
  const storage = {
    getItem: (name: string) => kept[name] ?? null,
    setItem: (name: string, value: string) => {
      kept[name] = value;
    },
  };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  t.after(() => {
    closeAll();
    globalThis.BroadcastChannel = Plain;
    Reflect.deleteProperty(globalThis, "sessionStorage");
  });
  /** A tab that begins with this storage. */
  const tab = async (copy: number): Promise<string> =>
    (await page.load<{ deviceOfTab: () => Promise<string> }>("device.ts", copy)).deviceOfTab();

  const device = await tab(1);
  closeAll(); // The tab goes, as at a reload.
  assert.equal(await tab(2), device);
  const duplicate = await tab(3);
  assert.match(duplicate, /^tab-\d+-\d+$/);
  assert.notEqual(duplicate, device);
});

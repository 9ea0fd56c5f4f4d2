import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { LEVEL_KNOWN, readSaidLevel } from "@jichat/protocol/level.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { EarlierBuild } from "@jichat/testkit/earlier-build.ts";
import { earlierBuild } from "@jichat/testkit/earlier-build.ts";
import { exec } from "@jichat/testkit/exec.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import { raiseLevel, storageCommand } from "@jichat/testkit/local/raise-level.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { Memory, judge, sleep, startStack } from "../src/scene.ts";

/** Commit de06cf7, the last that knows nothing of levels: level 0 (ADR 0028). */
const LEVEL_0 = join(ROOT, "e2e/levels/level-0/build.tar.gz");
/** How long people talk on each mixture of versions. */
const MIXED_MS = 3_000;
const CROWD = { pairs: 8, groups: 3, groupSize: 8, rate: 2 };

let earlier: EarlierBuild;
before(async () => {
  earlier = await earlierBuild(LEVEL_0);
});
after(() => {
  earlier.remove();
});

const levelOf = async ({ spec }: Part): Promise<{ known: number; cluster: number } | undefined> => {
  const response = await fetch(`http://127.0.0.1:${spec.adminPort}/level`);
  return response.ok ? readSaidLevel(await response.text()) : undefined;
};

const componentsOf = ({ storage, routers, connectors, api }: Stack): readonly Part[] => [
  storage,
  ...routers,
  ...connectors,
  api,
];

/** A verb of level 1, at a cluster of level 0. */
async function assertUnknown(stack: Stack): Promise<void> {
  const raw = new Raw(stack.wsUrls[0] ?? "");
  await raw.hello(mint(stack.secrets.signingKeyFile, { sub: "u0" }), "pins");
  const { code } = await raw.ask({ t: "pin", id: "p", conversation: "none", seq: 1 });
  assert.equal(code, "FRAME_UNKNOWN");
  raw.close();
}

/** Everything was replaced: the level is raised, every process hears of it, and none of before comes back. */
async function raise(stack: Stack): Promise<void> {
  for (const part of componentsOf(stack))
    assert.deepEqual(await levelOf(part), { known: LEVEL_KNOWN, cluster: 0 }, part.spec.name);
  await assertUnknown(stack);
  await raiseLevel(stack);
  const { stdout } = await storageCommand(stack, "level");
  assert.deepEqual(JSON.parse(stdout), { cluster: "jichat", level: LEVEL_KNOWN, known: LEVEL_KNOWN });
  for (const part of componentsOf(stack))
    await until(
      `${part.spec.name} hears of the level`,
      5_000,
      async () => (await levelOf(part))?.cluster === LEVEL_KNOWN,
    );
  const lowered = await storageCommand(stack, "level", "0");
  assert.equal(lowered.code, 1);
  assert.match(lowered.stderr, /a level never falls/);

  const { spec } = stack.routers[0] ?? stack.storage;
  const main = [...spec.args.slice(0, -1), `${earlier.root}/router/src/main.ts`];
  const late = await exec(spec.program, main, { env: { ...process.env, ...spec.env, ADMIN_PORT: "0" } });
  assert.notEqual(late.code, 0);
  assert.match(late.stderr, /layout version 2, this build knows 1: use a newer JiChat/);
}

/** While one is there that says no level, nobody raises it. */
async function assertHeld(stack: Stack, older: RegExp): Promise<void> {
  const { code, stderr } = await storageCommand(stack, "level", "1");
  assert.equal(code, 1);
  assert.match(stderr, older);
}

/** People talk while a cluster of level 0 becomes one of the newest level; then everything must be right. */
async function upgrade(t: TestContext, inOrder: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await startStack(t, { connectors: 2, root: earlier.root });
  assert.equal(await levelOf(stack.storage), undefined, "a build of level 0 says no level");
  const ledger = new Ledger();
  const crowd = new Crowd(stack, ledger, CROWD);
  t.after(() => {
    crowd.leave();
  });
  await crowd.arrive();
  const memory = new Memory(stack);
  const upgrading = (async () => {
    await sleep(MIXED_MS);
    await inOrder(stack);
    await sleep(MIXED_MS);
    await raise(stack);
    await sleep(MIXED_MS);
  })();
  await crowd.talkUntil(upgrading);
  await upgrading;
  await judge(t, { stack, crowd, ledger }, memory);
}

const replaceAll = async (stack: Stack, parts: readonly Part[]): Promise<void> => {
  for (const part of parts) await stack.replace(part, ROOT);
};

test("old routers work with new connectors, apis and storage", { timeout: 240_000 }, async (t) => {
  await upgrade(t, async (stack) => {
    await stack.replace(stack.storage, ROOT);
    await replaceAll(stack, [...stack.connectors, stack.api]);
    await sleep(MIXED_MS);
    const [connector] = stack.connectors;
    assert.ok(connector !== undefined);
    await stack.replace(connector, earlier.root); // Its people move to the new one, and some come back.
    await sleep(MIXED_MS);
    await stack.replace(connector, ROOT);
    await stack.replace(stack.storage, earlier.root); // It runs on the schema of today.
    await sleep(MIXED_MS);
    await stack.replace(stack.storage, ROOT);
    await assertHeld(
      stack,
      /do not report that they know level 1: router\.router-1-\w+, router\.router-2-\w+;/,
    );
    await replaceAll(stack, stack.routers);
  });
});

test("new routers work with old connectors, api and storage", { timeout: 240_000 }, async (t) => {
  await upgrade(t, async (stack) => {
    await replaceAll(stack, stack.routers.slice(0, 1));
    await sleep(MIXED_MS); // Owners of both builds hand partitions to each other.
    await replaceAll(stack, stack.routers.slice(1));
    await sleep(MIXED_MS);
    await assertHeld(stack, /do not report that they know level 1: storage\.storage-\w+;/);
    await stack.replace(stack.storage, ROOT);
    await replaceAll(stack, [...stack.connectors, stack.api]);
  });
});

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { FINALIZER } from "@jichat/operator/finalize.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import type { Change } from "../src/cluster/changes.ts";
import {
  OF_THREE,
  OWN_KEYS,
  PARTS,
  SIGNING_OUT,
  changesOf,
  changesOutside,
  rowsIn,
} from "../src/cluster/changes.ts";
import { LAB, apply, elsewhere, helm } from "../src/cluster/kubectl.ts";
import { underLoad } from "../src/cluster/load.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { onOwnBackends, raiseBackends, takeBackends } from "../src/cluster/own-backends.ts";
import { REFUSED, REFUSED_SLEEPING, SLEEPING, isRefused } from "../src/cluster/refused-changes.ts";
import { RELEASE, install } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";
import { makeClass, takeClass } from "../src/cluster/storage-class.ts";
import { until } from "@jichat/testkit/until.ts";

/** Every change that the table of transitions has, as far as a cluster like this one can have it. */
const chat = new Chat(NAMESPACE, "changes");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
const GROWING = "jichat-grows";
const SETTLED_MS = 180_000;
const LONG_MS = 900_000;

const backend = (size: string, image: string, more: object = {}): object => ({
  managed: { storage: { size, className: GROWING }, image, ...more },
});
const elsewhereNames = {
  registry: LAB.elsewhere,
  nats: elsewhere(LAB.backends.nats),
  redis: elsewhere(LAB.backends.redis),
  clickhouse: elsewhere(LAB.backends.clickhouse),
};

/** Keys of our own are those that it has: who is signed in stays so. */
async function giveKeys(): Promise<void> {
  const stringData = {
    "jwks.json": await chat.secret("connector", "jwks.json"),
    "signing-key.json": await chat.secret("api", "signing-key.json"),
  };
  await apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: OWN_KEYS, namespace: NAMESPACE },
    stringData,
  });
}

before(async () => {
  await install();
  await makeClass(GROWING, true);
  await chat.apply(
    laptop({
      nats: backend("2Gi", LAB.backends.nats, { replicas: 1 }),
      clickhouse: backend("5Gi", LAB.backends.clickhouse),
    }),
  );
  await chat.settled(120_000);
  await giveKeys();
});

after(async () => {
  await takeBackends(NAMESPACE);
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
  await takeClass(GROWING);
});

/** The change is there, those whose pods it makes anew have others, and all else has the very same. */
async function make(of: Chat, { patch, back, rolls }: Change): Promise<void> {
  const before = await of.uids(PARTS);
  await of.patch(patch);
  await of.settled(SETTLED_MS);
  const now = await of.uids(PARTS);
  for (const part of PARTS) {
    const had = before[part] ?? [];
    const kept = had.filter((uid) => (now[part] ?? []).includes(uid));
    assert.deepEqual(
      kept,
      rolls.includes(part) ? [] : had,
      `${part}: its pods ${kept.length} of ${had.length}`,
    );
  }
  if (back === undefined) return;
  await of.patch(back);
  await of.settled(SETTLED_MS);
}

/** All of it goes: what comes next has the machine to itself. */
async function end(of: Chat): Promise<void> {
  await of.loseData();
  await of.ask(["delete", "chat", of.name, "--timeout=120s"]);
}

const names = { versions: LAB.versions, pullPolicy: LAB.pullPolicy, elsewhere: elsewhereNames };
for (const change of changesOf(names))
  scenario(`${change.name}: under load`, async (t) => {
    t.diagnostic(rowsIn(change.patch).join(", "));
    await underLoad(t, chat, async () => make(chat, change), TALKERS);
  });

scenario("the cluster has all changes, and no reverted change blocks it", async () => {
  const { status, metadata } = await chat.read();
  assert.equal(status?.version, LAB.versions[1]);
  await until("nobody holds it", 30_000, async () =>
    (await chat.read()).metadata.finalizers?.includes(FINALIZER) === true ? undefined : true,
  );
  assert.equal(metadata.name, chat.name);
  for (const claim of ["data-changes-nats-0", "data-changes-clickhouse-0"]) {
    const size = await chat.ask(["get", "pvc", claim, "-o", "jsonpath={.spec.resources.requests.storage}"]);
    assert.equal(size, claim.includes("nats") ? "3Gi" : "6Gi");
  }
});

scenario(
  "a change that would lose data is refused at apply with the cure, and nothing changes",
  async (t) => {
    const before = await chat.uids(PARTS);
    for (const one of REFUSED) await isRefused(chat, one);
    const asleep = new Chat(NAMESPACE, "asleep");
    await asleep.apply(laptop({ ...SLEEPING }));
    for (const one of REFUSED_SLEEPING) await isRefused(asleep, one);
    await asleep.ask(["delete", "chat", asleep.name, "--timeout=60s"]);
    await asleep.ask(["delete", "pvc", "-l", `chat.jichat.io/cluster=${asleep.name}`]);
    await chat.settled(30_000);
    assert.deepEqual(await chat.uids(PARTS), before);
    t.diagnostic(`${REFUSED.length + REFUSED_SLEEPING.length} changes were refused`);
  },
);

scenario("tokens of another issuer are accepted, and then those of the first one again", async (t) => {
  await make(chat, SIGNING_OUT);
  await underLoad(t, chat, async () => undefined, TALKERS);
  await end(chat);
});

scenario(
  "external backends are replaced, and change their addresses and logins",
  async (t) => {
    await raiseBackends(NAMESPACE);
    const outside = new Chat(NAMESPACE, "outside");
    await outside.apply(laptop(onOwnBackends(NAMESPACE)));
    await outside.settled(120_000);
    for (const change of changesOutside(NAMESPACE)) {
      t.diagnostic(`${change.name}: ${rowsIn(change.patch).join(", ")}`);
      await underLoad(t, outside, async () => make(outside, change), TALKERS);
    }
    await end(outside);
  },
  LONG_MS,
);

scenario(
  "three NATS servers get more copies, fewer copies and another fsync",
  async (t) => {
    const three = new Chat(NAMESPACE, "three");
    await three.apply(
      laptop({ nats: { managed: { replicas: 3, image: LAB.backends.nats, storage: { size: "2Gi" } } } }),
    );
    await three.settled(150_000);
    await isRefused(three, {
      patch: { nats: { managed: { replicas: 1 } } },
      says: /nats\.managed\.replicas cannot change/,
    });
    for (const change of OF_THREE) {
      t.diagnostic(`${change.name}: ${rowsIn(change.patch).join(", ")}`);
      await underLoad(t, three, async () => make(three, change), TALKERS);
      await three.until("StreamsInSync", "True", 60_000);
    }
    await end(three);
  },
  LONG_MS,
);

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import { KEEPER_ANNOTATION } from "../src/keeper.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { until } from "@jichat/testkit/until.ts";
import { NAMESPACE, World, chat } from "./world.ts";

/** Several operators on one real API server. */
let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const FAST = { resyncMs: 1_000 };

const keeperOf = async (name: string, namespace = NAMESPACE): Promise<string | undefined> =>
  (await world.api.get<ChatCluster & KubeObject>(RESOURCES.chatClusters, namespace, name)).status?.keeper;

/** Taken away, it is made again by whoever works on the ChatCluster. */
const isWorkedOn = async (name: string): Promise<void> => {
  await world.api.remove(RESOURCES.services, NAMESPACE, `${name}-connector`);
  await until(`the Service of ${name} is back`, 10_000, async () =>
    world.find(RESOURCES.services, `${name}-connector`),
  );
};

const isKept = async (name: string, by: string, namespace = NAMESPACE): Promise<void> => {
  await until(`${name} is kept by ${by}`, 20_000, async () =>
    (await keeperOf(name, namespace)) === by ? true : undefined,
  );
};

type Event = KubeObject & {
  readonly reason?: string;
  readonly note?: string;
  readonly regarding?: { readonly name?: string };
};
const told = async (name: string): Promise<string> =>
  until(`an Event about ${name} says who stands back`, 20_000, async () => {
    const { items } = await world.api.list<Event>(RESOURCES.events, NAMESPACE);
    return items.find(({ reason, regarding }) => reason === "KeptByAnother" && regarding?.name === name)
      ?.note;
  });

test("one of two operators keeps a ChatCluster, and the other one reports that and takes over when the first is gone", async () => {
  const one = world.startOperator({ ...FAST, lease: "one" });
  await world.api.apply(RESOURCES.chatClusters, chat("both", { hibernate: true }));
  await isKept("both", "default/one");
  await until("the first has made a pass", 20_000, async () =>
    world.find(RESOURCES.services, "both-connector"),
  );
  const two = world.startOperator({ ...FAST, lease: "two" });
  assert.match(
    await told("both"),
    /operator default\/two does not act: operator default\/one keeps this ChatCluster\. To hand it over/,
  );
  for (let i = 0; i < 10; i += 1) {
    assert.equal(await keeperOf("both"), "default/one", "the second wrote nothing");
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
  }
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "both", {
    metadata: { annotations: { [KEEPER_ANNOTATION]: "default/two" } },
  });
  await isKept("both", "default/two");
  await isWorkedOn("both");
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "both", {
    metadata: { annotations: { [KEEPER_ANNOTATION]: null } },
  });
  await two.stop();
  await isKept("both", "default/one");
  await one.stop();
});

test("an operator of some namespaces keeps the ChatClusters there, and no others", async () => {
  for (const name of ["one", "two", "three"])
    await world.api.apply(RESOURCES.namespaces, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    });
  const operator = world.startOperator({ ...FAST, lease: "some", watchNamespaces: ["one", "two"] });
  for (const namespace of ["one", "two", "three"]) {
    const wanted = chat("scoped", { hibernate: true });
    await world.api.apply(RESOURCES.chatClusters, { ...wanted, metadata: { ...wanted.metadata, namespace } });
  }
  for (const namespace of ["one", "two"]) {
    await isKept("scoped", "default/some", namespace);
    await until(`its Service in ${namespace}`, 10_000, async () =>
      world.api.get(RESOURCES.services, namespace, "scoped-connector").catch(() => undefined),
    );
  }
  assert.equal(await keeperOf("scoped", "three"), undefined);
  await world.api.remove(RESOURCES.services, "two", "scoped-connector");
  await until("what was taken away in the second namespace is back", 10_000, async () =>
    world.api.get(RESOURCES.services, "two", "scoped-connector").catch(() => undefined),
  );
  await operator.stop();
});

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { pino } from "pino";
import { until } from "@jichat/testkit/until.ts";
import { KubeApi } from "../src/kube/api.ts";
import { runController } from "../src/kube/controller.ts";
import { Election } from "../src/kube/election.ts";
import { KubeError, isConflict, isNotFound } from "../src/kube/errors.ts";
import { EventRecorder } from "../src/kube/events.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { Reflector } from "../src/kube/reflector.ts";
import { Store } from "../src/kube/store.ts";
import { WorkQueue } from "../src/kube/work-queue.ts";
import { FakeApiServer } from "./fake-api-server.ts";

const PATH = "/api/v1/namespaces/a/configmaps";
const log = pino({ level: "silent" });
/** Back-offs are taken a hundred times faster; what they are is the unit tests' to check. */
const quick: Clock = { ...systemClock, sleep: async (ms, signal) => systemClock.sleep(ms / 100, signal) };

const map = (name: string, labels: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "a", labels },
});

async function start(
  t: TestContext,
): Promise<{ server: FakeApiServer; api: KubeApi; stop: AbortController }> {
  const server = await FakeApiServer.start();
  const stop = new AbortController();
  t.after(() => {
    stop.abort(new Error("the test is over"));
    server.stop();
  });
  return { server, api: new KubeApi(server.config, "test"), stop };
}

/** A reflector of ConfigMaps, and what it has told of. */
async function reflect(t: TestContext, prepare: (server: FakeApiServer) => void = () => undefined) {
  const { server, api, stop } = await start(t);
  prepare(server);
  const store = new Store<KubeObject>({ byLabel: ({ metadata }) => Object.values(metadata.labels ?? {}) });
  const told: string[] = [];
  const retries: unknown[] = [];
  const reflector = new Reflector({
    api,
    resource: RESOURCES.configMaps,
    namespace: "a",
    store,
    clock: quick,
    onChange: ({ metadata: { name } }) => told.push(name),
    onRetry: (_, error) => retries.push(error),
  });
  void reflector.run(stop.signal);
  await reflector.synced;
  await until("a watch", 5_000, () => server.watchers === 1);
  return { server, store, told, retries, reflector };
}

const names = (store: Store<KubeObject>): string[] =>
  store
    .all()
    .map(({ metadata: { name } }) => name)
    .sort();

test("a list in pages fills the store, kinds are restored, and the watch delivers changes", async (t) => {
  const { server, store, told } = await reflect(t, (fresh) => {
    fresh.pageSize = 2;
    for (const name of ["a", "b", "c", "d", "e"])
      fresh.put(`${PATH}/${name}`, map(name, { team: name < "c" ? "x" : "y" }));
  });
  assert.deepEqual(names(store), ["a", "b", "c", "d", "e"]);
  assert.equal(store.get("a/a")?.kind, "ConfigMap");
  assert.equal(store.by("byLabel", "y").length, 3);
  server.put(`${PATH}/a`, map("a", { team: "y" }));
  server.remove(`${PATH}/b`);
  server.put(`${PATH}/f`, map("f"));
  await until("three changes", 5_000, () => told.length === 8);
  assert.deepEqual(names(store), ["a", "c", "d", "e", "f"]);
  assert.deepEqual([store.by("byLabel", "x").length, store.by("byLabel", "y").length], [0, 4]);
});

test("changes during the end of a watch are known afterwards, whatever ended it", async (t) => {
  const { server, store, retries } = await reflect(t, (fresh) => fresh.put(`${PATH}/gone`, map("gone")));
  const ends: readonly (readonly [string, () => void])[] = [
    [
      "cut",
      () => {
        server.cut();
      },
    ],
    [
      "410 in the stream",
      () => {
        server.error(410);
      },
    ],
    [
      "500 in the stream",
      () => {
        server.error(500);
      },
    ],
    [
      "a reset of the next watch too",
      () => {
        server.fail(/watch/, { kind: "reset" });
        server.cut();
      },
    ],
    [
      "429 of the next list",
      () => {
        server.fail(
          /GET .*configmaps$/,
          { kind: "status", status: 429, reason: "TooManyRequests", retryAfter: 1 },
          2,
        );
        server.error(410);
      },
    ],
    [
      "410 of the version",
      () => {
        server.oldest = 1_000_000;
        server.cut();
        setTimeout(() => {
          server.oldest = 0;
        }, 50);
      },
    ],
  ];
  for (const [how, end] of ends) {
    const name = how.replaceAll(/[^a-z0-9]+/g, "-");
    end();
    server.remove(`${PATH}/gone`);
    server.put(`${PATH}/${name}`, map(name));
    await until(`${how}: the new one`, 5_000, () => store.get(`a/${name}`) !== undefined);
    await until(`${how}: the one that is gone`, 5_000, () => store.get("a/gone") === undefined);
    server.put(`${PATH}/gone`, map("gone"));
    await until(
      `${how}: a watch again`,
      5_000,
      () => store.get("a/gone") !== undefined && server.watchers === 1,
    );
  }
  assert.ok(retries.length >= ends.length);
});

test("a silent watch is given up, and a new list has the missed changes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { server, api, stop } = await start(t);
  const store = new Store<KubeObject>();
  const instant: Clock = { ...systemClock, sleep: async () => undefined };
  const reflector = new Reflector({
    api,
    resource: RESOURCES.configMaps,
    namespace: "a",
    store,
    clock: instant,
    onChange: () => undefined,
    onRetry: () => undefined,
  });
  void reflector.run(stop.signal);
  await reflector.synced;
  const turn = async (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(resolve);
    });
  for (let i = 0; i < 2_000 && server.watchers === 0; i += 1) await turn();
  server.silence();
  server.put(`${PATH}/unheard`, map("unheard"));
  for (let i = 0; i < 50; i += 1) await turn();
  assert.equal(store.size, 0);
  t.mock.timers.tick(91_000);
  for (let i = 0; i < 5_000 && store.size === 0; i += 1) await turn();
  assert.deepEqual(names(store), ["unheard"]);
});

test("a bookmark advances the version, so that an idle watch does not resume at an expired one", async (t) => {
  const { server, store, retries } = await reflect(t);
  for (let i = 0; i < 20; i += 1) server.put(`/api/v1/namespaces/b/configmaps/other${i}`, map("other"));
  server.bookmark();
  await new Promise((resolve) => {
    setTimeout(resolve, 30);
  });
  server.oldest = 15;
  server.cut();
  server.put(`${PATH}/after`, map("after"));
  await until("the one after", 5_000, () => store.get("a/after") !== undefined);
  assert.ok(
    retries.every((error) => !(error instanceof KubeError)),
    "it was never told 410",
  );
});

test("errors have the status, the reason and the time of the next try", async (t) => {
  const { server, api } = await start(t);
  await assert.rejects(api.get(RESOURCES.configMaps, "a", "none"), (error: unknown) => isNotFound(error));
  const made = await api.create(RESOURCES.configMaps, map("one"));
  await assert.rejects(
    api.create(RESOURCES.configMaps, map("one")),
    (error: unknown) => isConflict(error) && (error as KubeError).reason === "AlreadyExists",
  );
  await api.replace(RESOURCES.configMaps, made);
  await assert.rejects(
    api.replace(RESOURCES.configMaps, made),
    (error: unknown) => isConflict(error),
    "an old version",
  );
  server.fail(/GET/, { kind: "status", status: 503, reason: "ServiceUnavailable", retryAfter: 7 });
  await assert.rejects(api.get(RESOURCES.configMaps, "a", "one"), {
    status: 503,
    reason: "ServiceUnavailable",
    retryAfterMs: 7_000,
  });
});

test("a failed pass runs again, a successful one may request it, and a stop waits for running passes", async () => {
  const stop = new AbortController();
  const queue = new WorkQueue({ clock: quick });
  const passes: string[] = [];
  const outcomes: string[] = [];
  const release = Promise.withResolvers<void>();
  const running = runController(
    {
      queue,
      workers: 2,
      log,
      onPass: (outcome) => outcomes.push(outcome),
      reconcile: async (key) => {
        passes.push(key);
        if (key === "slow") await release.promise;
        if (key === "bad" && passes.filter((other) => other === "bad").length < 3)
          throw new KubeError(409, "Conflict", "in between");
        return {
          afterMs: key === "again" && passes.filter((other) => other === "again").length < 2 ? 10 : undefined,
        };
      },
    },
    stop.signal,
  );
  for (const key of ["bad", "again"]) queue.add(key);
  await until("five passes", 5_000, () => passes.length === 5);
  assert.deepEqual(passes.toSorted(), ["again", "again", "bad", "bad", "bad"]);
  assert.deepEqual(outcomes.toSorted(), ["conflict", "conflict", "ok", "ok", "ok"]);
  queue.add("slow");
  await until("the slow one", 5_000, () => passes.includes("slow"));
  stop.abort(new Error("stopped"));
  let ended = false;
  void running.then(() => {
    ended = true;
  });
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  assert.equal(ended, false);
  release.resolve();
  await running;
});

test("one of two candidates leads, and the other one takes over when the lease is released or not renewed", async (t) => {
  const { server, api, stop } = await start(t);
  const candidate = (me: string): Election =>
    new Election({ api, clock: quick, namespace: "a", name: "operator", me, log });
  const [one, two] = [candidate("one"), candidate("two")];
  await one.win(stop.signal);
  const reign = new AbortController();
  const kept = one.keep(reign.signal);
  let isSecond = false;
  const second = two.win(stop.signal).then(() => {
    isSecond = true;
  });
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  assert.equal(isSecond, false, "the lease is renewed");
  reign.abort(new Error("stopped"));
  await kept;
  await one.release();
  await second;

  const lost = two.keep(stop.signal);
  server.fail(/PUT .*leases/, { kind: "status", status: 500 }, Number.POSITIVE_INFINITY);
  server.fail(/GET .*leases/, { kind: "reset" }, Number.POSITIVE_INFINITY);
  await lost; // It steps down by itself, before its lease would be free for another.
});

test("a repeated Event is written once, and a lost one stops nothing", async (t) => {
  const { server, api } = await start(t);
  const events = new EventRecorder(api, systemClock, log, "me");
  const about = { type: "Warning", reason: "NatsUnreachable", action: "Connect", note: "no answer" } as const;
  const object = server.put(`${PATH}/one`, map("one"));
  await events.tell(object, about);
  await events.tell(object, about);
  await events.tell(object, { ...about, note: "another thing" });
  const written = (): number => [...server.objects.keys()].filter((path) => path.includes("/events/")).length;
  assert.equal(written(), 2);
  server.fail(/POST .*events/, { kind: "status", status: 500 });
  await events.tell(object, { ...about, note: "a third" });
  await events.tell(object, { ...about, note: "a third" });
  assert.equal(written(), 3, "what was lost may be told again");
});

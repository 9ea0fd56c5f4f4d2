import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundle } from "@jichat/testkit/bundle.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { until } from "@jichat/testkit/until.ts";
import { NAMESPACE, World, chat } from "./world.ts";

const CLUSTERS = 50;
const CHANGES = 100;
const IDLE_MS = 20_000;
/** The last Events and answers of backends trickle in: eight are asked at once, new ones several times. */
const SETTLE_MS = 30_000;
const folder = mkdtempSync(join(tmpdir(), "jichat-many-"));
let world: World;
let operators: Part[];
let ports: number[];

before(async () => {
  const main = join(folder, "operator.mjs");
  await bundle("operator", main); // As its image has it: the sources alone hold half as much again.
  world = await World.start();
  ports = await freePorts(2);
  operators = ports.map(
    (adminPort, at) =>
      new Part({
        name: `operator-${at}`,
        program: process.execPath,
        // As its image starts it.
        args: [
          "--max-semi-space-size=4",
          "--single-threaded-gc",
          "--max-old-space-size=64",
          "--optimize-for-size",
          main,
        ],
        env: {
          KUBECONFIG: world.plane.kubeconfig,
          JICHAT_VERSION: "0.1.0",
          INSTANCE: `operator-${at}`,
          ADMIN_PORT: String(adminPort),
          MALLOC_ARENA_MAX: "1", // glibc keeps an arena per thread, mostly empty.
        },
        adminPort,
        logFile: join(folder, `operator-${at}.log`),
      }),
  );
});

after(async () => {
  await Promise.all(operators.map((operator) => operator.stop(5_000)));
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)`, "m").exec(text)?.[1] ?? 0);
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;

const leader = async (): Promise<string | undefined> => {
  const lease = await world.find<KubeObject & { readonly spec: { readonly holderIdentity?: string } }>(
    RESOURCES.leases,
    "jichat-operator",
  );
  const holder = lease?.spec.holderIdentity;
  return holder === "" ? undefined : holder;
};

/** Changes one Service's port and waits until it stands there. */
async function change(at: number): Promise<number> {
  const name = `many-${at % CLUSTERS}`;
  const port = 1_000 + at;
  const started = performance.now();
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, name, {
    spec: { connectors: { service: { port } } },
  });
  await until(`${name} has port ${port}`, 10_000, async () => {
    const service = await world.find<KubeObject & { readonly spec: { ports: { port: number }[] } }>(
      RESOURCES.services,
      `${name}-connector`,
    );
    return service?.spec.ports[0]?.port === port ? true : undefined;
  });
  return performance.now() - started;
}

test(
  "50 ChatClusters are reconciled, quiet while idle, changed within a second, and taken over by another operator",
  { timeout: 300_000 },
  async (t) => {
    for (const operator of operators) operator.start();
    await Promise.all(operators.map((operator) => operator.ready(30_000)));
    const started = performance.now();
    for (let at = 0; at < CLUSTERS; at += 1)
      await world.api.apply(RESOURCES.chatClusters, chat(`many-${at}`));
    await until("all have a status", 120_000, async () => {
      const { items } = await world.api.list<ChatCluster & KubeObject>(RESOURCES.chatClusters, NAMESPACE);
      const told = items.filter(({ status }) =>
        status?.conditions.some(({ type, status: is }) => type === "BackendsReachable" && is === "False"),
      );
      return told.length === CLUSTERS ? true : undefined;
    });
    t.diagnostic(
      `${CLUSTERS} ChatClusters reconciled in ${((performance.now() - started) / 1_000).toFixed(1)} s`,
    );
    const name = await until("one leads", 10_000, leader);
    const at = name.startsWith("operator-0") ? 0 : 1;
    const [leading, other] = [operators[at], operators[1 - at]];
    assert.ok(leading?.pid !== undefined && other !== undefined);

    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_MS);
    });
    const port = ports[at] ?? 0;
    const before = await metric(port, "jichat_operator_requests");
    await new Promise((resolve) => {
      setTimeout(resolve, IDLE_MS);
    });
    const perSecond = ((await metric(port, "jichat_operator_requests")) - before) / (IDLE_MS / 1_000);
    const mb = residentMb(leading.pid);
    t.diagnostic(`idle: ${perSecond.toFixed(2)} requests/s, ${mb.toFixed(0)} MB resident`);
    assert.ok(perSecond < 1, `${perSecond} requests a second`);
    assert.ok(mb < 150, `${mb} MB`);

    const times: number[] = [];
    for (let i = 0; i < CHANGES; i += 1) times.push(await change(i));
    times.sort((a, b) => a - b);
    const [p50 = 0, p99 = 0] = [times[CHANGES / 2], times[CHANGES - 2]];
    t.diagnostic(`a change is there after ${p50.toFixed(0)} ms (p50), ${p99.toFixed(0)} ms (p99)`);
    assert.ok(p99 < 1_000, `${p99} ms`);

    // Killed without a word: the other waits out the Lease, and leads.
    await leading.kill();
    await until("the other leads", 40_000, async () => {
      const now = await leader();
      return now !== undefined && now !== name ? now : undefined;
    });
    t.diagnostic(
      `after kill -9 of the leader a change is there within ${(await change(CHANGES)).toFixed(0)} ms`,
    );
  },
);

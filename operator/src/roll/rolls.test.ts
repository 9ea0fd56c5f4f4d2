import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../test/input.ts";
import { labelsOf } from "../desired/names.ts";
import { Observed } from "../observed.ts";
import type { Roll, ServersTold } from "./next-server.ts";
import { missesServer, rollHeld, rollTold } from "./roll-status.ts";
import { Rolls } from "./rolls.ts";
import { ServerWatch } from "./server-watch.ts";

const INPUT = inputOf({ nats: { managed: { replicas: 3 } } });
const KEY = "people/chat";
const LEVEL: ServersTold = {
  servers: ["chat-nats-0", "chat-nats-1", "chat-nats-2"],
  metaLeader: "chat-nats-0",
  behind: [],
};

interface PodLife {
  readonly revision: string;
  readonly uid: string;
  readonly readyAt?: string;
  readonly isReady?: boolean;
}
const life = (revision: string, uid: string, but: Partial<PodLife> = {}): PodLife => ({
  revision,
  uid,
  ...but,
});

function observed(lives: readonly PodLife[], strategy = "OnDelete"): Observed {
  const labels = labelsOf(INPUT.cluster, "nats");
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "chat-nats", namespace: "people", labels, generation: 2 },
    spec: { replicas: 3, updateStrategy: { type: strategy } },
    status: { observedGeneration: 2, updateRevision: "new", currentRevision: "old", replicas: 3 },
  };
  const pods = lives.map(({ revision, uid, readyAt = "2026-01-01T00:00:00Z", isReady = true }, at) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `chat-nats-${at}`,
      namespace: "people",
      uid,
      labels: { ...labels, "controller-revision-hash": revision },
    },
    status: {
      conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: readyAt }],
      containerStatuses: [{ name: "nats", restartCount: 0, state: { running: {} } }],
    },
  }));
  return new Observed([set, ...pods]);
}

/** A world in which NATS answers when it is told to. */
class Asked {
  now = 1_000;
  asks = 0;
  news = 0;
  answer: ServersTold = LEVEL;
  readonly rolls: Rolls;
  #resolve: ((told: ServersTold) => void) | undefined;

  constructor() {
    const clock = { monotonic: () => this.now } as never;
    const watch = new ServerWatch({
      ask: async () => {
        this.asks += 1;
        return new Promise((resolve) => {
          this.#resolve = resolve;
        });
      },
      clock,
      onNews: () => {
        this.news += 1;
      },
    });
    this.rolls = new Rolls({ watch, clock });
  }

  next(lives: readonly PodLife[], strategy?: string): Roll | undefined {
    return this.rolls.next(KEY, INPUT, observed(lives, strategy));
  }

  async answers(told: ServersTold = this.answer): Promise<void> {
    this.#resolve?.(told);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

const OLD = [life("old", "a"), life("old", "b"), life("old", "c")];
const does = (roll: Roll | undefined): string | undefined =>
  roll?.does === "restarts" ? `restarts ${roll.pod}` : roll?.does;

test("a server restarts only by an answer that was asked for when the others were seen to be ready", async () => {
  const world = new Asked();
  assert.equal(does(world.next(OLD)), "waits");
  assert.equal(world.asks, 1);
  await world.answers();
  assert.equal(world.news, 1, "a pass follows");
  assert.equal(does(world.next(OLD)), "restarts chat-nats-2");

  const starting = [life("old", "a"), life("old", "b"), life("new", "d", { isReady: false })];
  assert.equal(does(world.next(starting)), "waits");
  assert.equal(world.asks, 1, "nothing that NATS says now matters");
  const back = [life("old", "a"), life("old", "b"), life("new", "d", { readyAt: "2026-01-01T00:01:00Z" })];
  assert.equal(does(world.next(back)), "waits", "the answer from before says nothing of the new one");
  assert.equal(world.asks, 2);
  await world.answers({ ...LEVEL, behind: ["LOG-1 is behind on chat-nats-2"] });
  assert.equal(does(world.next(back)), "waits");
  world.now += 1_000;
  world.next(back);
  assert.equal(world.asks, 3);
  await world.answers();
  assert.equal(does(world.next(back)), "restarts chat-nats-1", "the leader of all goes last");
});

test("a server that restarts is away from then on, however long its restart was waited for", async () => {
  const world = new Asked();
  world.next(OLD);
  await world.answers({ ...LEVEL, behind: ["LOG-1 is behind on chat-nats-2"] });
  world.now += 120_000;
  assert.equal(missesServer(world.next(OLD)), false);
  await world.answers();
  assert.equal(does(world.next(OLD)), "restarts chat-nats-2");
  world.now += 1_000;
  const ending = [life("old", "a"), life("old", "b"), life("old", "c", { isReady: false })];
  assert.equal(missesServer(world.next(ending)), true);
  world.now += 60_000;
  assert.equal(missesServer(world.next(ending)), false, "it should be back by now");
});

test("an answer that was under way when a server restarted does not count", async () => {
  const world = new Asked();
  world.next(OLD);
  const back = [life("old", "a"), life("old", "b"), life("new", "d")];
  world.next(back); // The first question is still open.
  assert.equal(world.asks, 1);
  await world.answers();
  assert.equal(does(world.next(back)), "waits");
  assert.equal(world.asks, 2);
});

test("what is behind is told, however long the answer took; that all is level is not", async () => {
  const world = new Asked();
  const late = async (told: ServersTold): Promise<string | undefined> => {
    world.now += 1_000;
    world.next(OLD);
    world.now += 6_000;
    await world.answers(told);
    const roll = world.next(OLD);
    return roll?.does === "waits" ? roll.why : roll?.does;
  };
  const why = "LOG-1 does not answer: timeout";
  assert.equal(await late({ ...LEVEL, behind: [why] }), why);
  assert.equal(await late(LEVEL), "NATS is asked whether every stream is level");
});

test("an answer grows old", async () => {
  const world = new Asked();
  world.next(OLD);
  await world.answers();
  world.now += 5_000;
  assert.equal(does(world.next(OLD)), "waits");
});

test("a roll that stands still for five minutes is told as held, and one that goes on is not", async () => {
  const world = new Asked();
  const behind = { ...LEVEL, behind: ["LOG-1 is behind on chat-nats-1"] };
  const look = async (lives: readonly PodLife[]): Promise<Roll | undefined> => {
    world.next(lives);
    await world.answers(behind);
    return world.next(lives);
  };
  const held = async (lives: readonly PodLife[]): Promise<string | undefined> => rollHeld(await look(lives));
  assert.equal(await held(OLD), undefined);
  assert.deepEqual(rollTold(world.next(OLD)), [
    "the next nats-server restarts when it may: LOG-1 is behind on chat-nats-1",
  ]);
  world.now += 299_000;
  assert.equal(await held(OLD), undefined);
  const on = [life("old", "a"), life("old", "b"), life("new", "d")];
  world.now += 2_000;
  assert.equal(await held(on), undefined, "one was replaced");
  world.now += 299_000;
  assert.equal(await held(on), undefined);
  world.now += 1_000;
  assert.equal(
    await held(on),
    "the roll of the nats-servers stands still, and no server is restarted: LOG-1 is behind on chat-nats-1",
  );
});

test("servers that Kubernetes rolls are left to it, and a ChatCluster without managed ones has nothing to roll", () => {
  const world = new Asked();
  assert.equal(world.next(OLD, "RollingUpdate"), undefined);
  assert.equal(world.rolls.next(KEY, INPUT, new Observed([])), undefined);
  const asleep = inputOf({ hibernate: true });
  assert.equal(world.rolls.next(KEY, asleep, observed(OLD)), undefined);
  assert.equal(world.asks, 0);
});

import { metricOf } from "@jichat/e2e/metric.ts";
import { Orders } from "@jichat/e2e/order.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Figure, Row, Say } from "../figure.ts";
import { count, median, range, shareOf } from "../figure.ts";
import { pause, voids } from "../generator/load.ts";
import type { Moves } from "../generator/moves.ts";
import { generate } from "../generate.ts";
import type { Lab } from "../lab.ts";
import { PARTITIONS, withLab } from "../lab.ts";

const DEVICES = 2_000;
const RATE = 500;
const TIMES = 3;
/** Connectors of one version; as many of the next one come. */
const CONNECTORS = 3;
const PER_SECOND = 100;
/** All code has run for a while by then. */
const WARM_MS = 10_000;
const BEFORE_MS = 30_000;
/** As the operator waits: `operator/src/scale/settled.ts`. */
const [READY_MS, GONE_MS] = [10_000, 5_000];
const DEADLINE_SECONDS = 60;
const ARRIVED_WITHIN_MS = 60_000;
const STARTED_WITHIN_MS = 20_000;
const POLL_MS = 500;
/** What all of it takes, and a wait for slow machines. */
const RUN_MS = WARM_MS + BEFORE_MS + READY_MS + (1_000 * DEVICES) / PER_SECOND + 3 * (GONE_MS + 15_000);
const TIMES_BEFORE_MAX = 2;

/** Milliseconds since 1970. */
interface Span {
  readonly from: number;
  readonly to: number;
}

interface Run extends Moves {
  readonly before: number;
  readonly during: number;
  readonly inRest: number;
  readonly seconds: number;
  readonly most: number;
}

const now = (): number => performance.timeOrigin + performance.now();

/** The p99 of the sends that were due in these spans; NaN without any, Infinity if too many have no ack. */
function p99Of({ dueAt, ackedAfter }: Moves, spans: readonly Span[]): number {
  const isIn = (at: number): boolean => spans.some(({ from, to }) => at >= from && at < to);
  const ms = dueAt.flatMap((at, index) => {
    const after = ackedAfter[index] ?? Number.NaN;
    return isIn(at) ? [Number.isNaN(after) ? Number.POSITIVE_INFINITY : after] : [];
  });
  return ms.toSorted((a, b) => a - b)[Math.ceil(0.99 * ms.length) - 1] ?? Number.NaN;
}

const socketsOf = async (parts: readonly Part[]): Promise<number> =>
  (await Promise.all(parts.map(async (part) => metricOf(part, "jichat_connector_sockets")))).reduce(
    (sum, one) => sum + one,
    0,
  );

/** Drains one connector, stops it, and returns the time in which devices moved. */
async function drained(orders: Orders, part: Part): Promise<Span> {
  const from = now();
  await orders.drain(part, { deadlineSeconds: DEADLINE_SECONDS, perSecond: PER_SECOND });
  await until(`${part.spec.name} is drained`, (DEADLINE_SECONDS + 5) * 1_000, async () => {
    await pause(POLL_MS);
    return (await orders.drainOf(part)).state === "drained" ? true : undefined;
  });
  const to = now();
  await part.stop(STARTED_WITHIN_MS);
  return { from, to };
}

/** The slow seconds of a run, from the first drain on: what a p99 of the whole time does not tell. */
function slowSeconds(moved: Moves, before: number, from: number, to: number): string {
  const slow: string[] = [];
  for (let at = from; at < to; at += 1_000) {
    const p99 = p99Of(moved, [{ from: at, to: at + 1_000 }]);
    if (p99 >= TIMES_BEFORE_MAX * before) slow.push(`${((at - from) / 1_000).toFixed(0)}: ${p99.toFixed(0)}`);
  }
  return slow.length === 0 ? "none" : slow.join(", ");
}

/** Devices of three connectors move to three that have just started, in the order of a rollout. */
async function moveUnderTalk({ stack, door }: Lab, say: Say): Promise<Run> {
  const [old, next] = [stack.connectors.slice(0, CONNECTORS), stack.connectors.slice(CONNECTORS)];
  for (const part of next) await part.stop(STARTED_WITHIN_MS);
  const orders = new Orders(stack);
  const before: Span[] = [];
  const during: Span[] = [];
  const args = {
    door: { ...door, urls: door.urls.slice(0, CONNECTORS) },
    nextUrls: door.urls.slice(CONNECTORS),
    people: DEVICES,
    rate: RATE,
    ms: RUN_MS,
  };
  const act = async (): Promise<void> => {
    await until("all devices are there", ARRIVED_WITHIN_MS, async () => {
      await pause(POLL_MS);
      return (await socketsOf(old)) >= DEVICES ? true : undefined;
    });
    await pause(WARM_MS);
    const from = now();
    await pause(BEFORE_MS);
    before.push({ from, to: now() });
    for (const part of next) part.start();
    await Promise.all(next.map(async (part) => part.ready(STARTED_WITHIN_MS)));
    await pause(READY_MS);
    for (const part of old) {
      during.push(await drained(orders, part));
      await pause(GONE_MS);
    }
  };
  const [moved] = await Promise.all([
    generate("moves", args, undefined, ARRIVED_WITHIN_MS + RUN_MS + 20_000),
    act(),
  ]);
  for (const part of old) part.start();
  await Promise.all(old.map(async (part) => part.ready(STARTED_WITHIN_MS)));
  const [first, last] = [during[0], during.at(-1)];
  const rest = during.slice(1).map(({ from }, at) => ({ from: during[at]?.to ?? from, to: from }));
  const perSecond = moved.movedAt.map(
    (at) => moved.movedAt.filter((one) => one >= at && one < at + 1_000).length,
  );
  const run = {
    ...moved,
    before: p99Of(moved, before),
    during: p99Of(moved, during),
    inRest: p99Of(moved, rest),
    seconds: ((last?.to ?? 0) - (first?.from ?? 0)) / 1_000,
    most: Math.max(0, ...perSecond),
  };
  const slow = slowSeconds(moved, run.before, first?.from ?? 0, last?.to ?? 0);
  say(
    `    p99 ${run.before.toFixed(1)} ms before, ${run.during.toFixed(1)} while devices moved; slow seconds, and their p99 in ms: ${slow}`,
  );
  return run;
}

async function row(lab: Lab, say: Say): Promise<Row> {
  const runs: Run[] = [];
  for (let at = 0; at < TIMES; at += 1) runs.push(await moveUnderTalk(lab, say));
  const ratios = runs.map(({ before, during }) => during / before);
  const sumOf = (what: (run: Run) => number): number => runs.reduce((sum, run) => sum + what(run), 0);
  const unacked = sumOf(({ ackedAfter }) => ackedAfter.filter(Number.isNaN).length);
  const refused = sumOf((run) => run.refused);
  const cutOff = sumOf((run) => run.cutOff);
  const isWhole = unacked + refused === 0 && runs.every(({ movedAt }) => movedAt.length === DEVICES);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const of = (what: (run: Run) => number): string => range(runs.map(what), ms);
  return {
    what: `p99 of a send while ${count(DEVICES)} devices move to connectors that have just started`,
    target: `≤ ${TIMES_BEFORE_MAX} × that before`,
    measured: `${median(ratios).toFixed(2)} ×`,
    share: isWhole ? shareOf(median(ratios), "≤", TIMES_BEFORE_MAX) : 0,
    runs: ratios,
    beside: `${range(ratios, (ratio) => ratio.toFixed(2))} over ${TIMES} times; ${RATE} msg/s on ${PARTITIONS} partitions; p99 before ${of(({ before }) => before)}, while devices moved ${of(({ during }) => during)}, between the drains ${of(({ inRest }) => inRest)}; ${range(
      runs.map(({ seconds }) => seconds),
      (value) => `${value.toFixed(0)} s`,
    )} from the first drain to the last, at most ${Math.max(...runs.map(({ most }) => most))} came in a second; ${runs.map(({ movedAt }) => movedAt.length).join(", ")} moved, ${refused} refused, ${cutOff} sent again, ${unacked} without an ack${voids(runs)}`,
  };
}

export const moves: Figure = {
  name: "moves",
  what: "connectors are drained one after the other while people talk: everybody's sends",
  measure: async (say) =>
    withLab({ routers: 2, connectors: 2 * CONNECTORS }, async (lab) => [await row(lab, say)]),
};

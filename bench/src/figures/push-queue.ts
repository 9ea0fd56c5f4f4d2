import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Figure, Row, Say } from "../figure.ts";
import { count, range, shareOf } from "../figure.ts";
import { peakResidentBytes, residentBytes } from "../generator/cpu.ts";
import type { Filled } from "../generator/fill-push-queue.ts";
import { pause } from "../generator/load.ts";
import { generate } from "../generate.ts";
import { BURST } from "../push/backlog.ts";
import type { Counted } from "../push/counted.ts";
import { countedBy } from "../push/counted.ts";
import { Heard } from "../push/heard.ts";
import type { PushLab } from "../push/lab.ts";
import { queueOf, withPushLab } from "../push/lab.ts";
import { isSmall, scaled } from "../push/scale.ts";

const ENTRIES = scaled(1_000_000);
/** Above all seqs of before. */
const FIRST_SEQ = 1_000;
const STOP_MS = 15_000;
const READY_MS = 30_000;
const LOOK_MS = isSmall ? 100 : 1_000;
const DRAINED_WITHIN_MS = 900_000;
/** Time for acknowledgements to arrive, and for a collection. */
const REST_MS = 5_000;
/** Resident memory may vary by as much between the halves of a drain, whatever the length of the queue. */
const GROWTH_MAX = 1.1;
const MB = 1_048_576;

/** A drain: resident bytes are by worker, and by look. */
interface Drained {
  readonly seconds: number;
  readonly counted: Counted;
  /** Rows of messages whose end nobody heard of. */
  readonly unheard: number;
  readonly looks: readonly (readonly number[])[];
  readonly peaks: readonly number[];
}

/** What of the queue is not done, over all partitions. */
async function queueState({ lab, circle }: PushLab): Promise<{ bytes: number; left: number }> {
  const { natsUrl, cluster } = queueOf(lab);
  const names = namesOf(cluster);
  const nats = await connect({ servers: natsUrl });
  try {
    const jsm = await jetstreamManager(nats);
    const { state } = await jsm.streams.info(names.pushStream);
    const consumers = await Promise.all(
      Array.from({ length: circle.partitions }, async (_, partition) =>
        jsm.consumers.info(names.pushStream, `push-${partition}`),
      ),
    );
    const left = consumers.reduce((sum, one) => sum + one.num_pending + one.num_ack_pending, 0);
    return { bytes: state.bytes, left };
  } finally {
    await nats.close();
  }
}

/** Puts the entries into the queue while no worker reads it. */
async function fill(lab: PushLab): Promise<Filled & { readonly bytes: number }> {
  const filled = await generate(
    "fillPushQueue",
    { ...lab.circle, ...queueOf(lab.lab), entries: ENTRIES, firstSeq: FIRST_SEQ },
    undefined,
    DRAINED_WITHIN_MS,
  );
  const { left, bytes } = await queueState(lab);
  if (left !== filled.messages)
    throw new Error(
      `the queue holds ${left} of ${filled.messages} messages: its bound in bytes drops the rest`,
    );
  return { ...filled, bytes };
}

const allOf = ({ sent, folded, skipped }: Counted): number =>
  sent + folded + Object.values(skipped).reduce((sum, one) => sum + one, 0);

const sizes = (workers: readonly Part[]): readonly number[] =>
  workers.map(({ pid }) => (pid === undefined ? 0 : residentBytes(pid)));

/** Starts the workers, and looks at them until nothing is left. */
async function drain(lab: PushLab, say: Say): Promise<Drained> {
  const { pushWorkers } = lab.lab.stack;
  const heard = new Heard(lab.circle, ENTRIES, FIRST_SEQ);
  lab.sink.onLanded = (push) => {
    heard.take(push);
  };
  const started = performance.now();
  for (const worker of pushWorkers) worker.start();
  await Promise.all(pushWorkers.map(async (worker) => worker.ready(READY_MS)));
  const looks = [sizes(pushWorkers)];
  let counted = await countedBy(pushWorkers);
  for (let look = 1; counted.entries < ENTRIES || (await queueState(lab)).left > 0; look += 1) {
    if (performance.now() - started > DRAINED_WITHIN_MS)
      throw new Error(`not drained after ${DRAINED_WITHIN_MS / 1_000} s: ${JSON.stringify(counted)}`);
    await pause(LOOK_MS);
    looks.push(sizes(pushWorkers));
    counted = await countedBy(pushWorkers);
    if (look % 10 === 0)
      say(`  ${count(counted.entries)} taken, ${count(counted.sent)} sent, ${mbs(looks.at(-1) ?? [])}`);
  }
  const seconds = (performance.now() - started) / 1_000;
  await pause(REST_MS);
  looks.push(sizes(pushWorkers));
  const peaks = pushWorkers.map(({ pid }) => (pid === undefined ? 0 : peakResidentBytes(pid)));
  return { seconds, counted: await countedBy(pushWorkers), unheard: heard.unheard, looks, peaks };
}

const mbs = (bytes: readonly number[]): string =>
  `${bytes.map((one) => (one / MB).toFixed(0)).join(" and ")} MB`;

type Queue = Awaited<ReturnType<typeof fill>>;

function accountRow({ sink, raw }: PushLab, filled: Queue, { seconds, counted, unheard }: Drained): Row {
  const { entries, sent, folded, skipped, troubled } = counted;
  const accounted = allOf(counted);
  const { old = 0, unregistered = 0 } = skipped;
  // What is delivered again while a partition changes hands is taken twice, and may be skipped as sent.
  const isWhole =
    accounted >= ENTRIES &&
    accounted <= entries &&
    unheard === 0 &&
    sent === sink.total &&
    sink.repeated === 0 &&
    old >= filled.old &&
    unregistered >= filled.unregistered;
  const reasons = Object.entries(skipped).map(([reason, by]) => `${reason} ${count(by)}`);
  return {
    what: `a queue of ${count(ENTRIES)} entries, drained by two workers`,
    target: "each one sent, folded, or skipped for a reason; none twice",
    measured: `${count(accounted)} accounted for in ${seconds.toFixed(0)} s, ${count(ENTRIES / seconds)} entries/s; ${count(unheard)} not heard of, ${count(sink.repeated)} twice`,
    share: isWhole ? 1 : Math.min(0.99, accounted / ENTRIES),
    runs: [seconds],
    beside: [
      `sent ${count(sent)} (${count(sent / seconds)}/s, ${(sent / seconds / raw.perSecond).toFixed(2)} × undici alone; received ${count(sink.total)}), folded ${count(folded)}`,
      `skipped: ${reasons.join(", ")}, of which ${count(filled.old)} were put in as old and ${count(filled.unregistered)} as unregistered`,
      `taken ${count(entries)}, those that came again too; attempts that did not send: ${count(troubled)}`,
      `${(filled.bytes / MB).toFixed(0)} MB in ${count(filled.messages)} messages, ${(filled.bytes / ENTRIES).toFixed(0)} bytes an entry, one recipient each, ${BURST} in a row of one conversation`,
    ].join("; "),
  };
}

function memoryRow({ looks, peaks }: Drained): Row {
  const half = Math.ceil(looks.length / 2);
  const most = (part: readonly (readonly number[])[], worker: number): number =>
    Math.max(...part.map((look) => look[worker] ?? 0));
  const growths = peaks.map(
    (_, worker) => most(looks.slice(half), worker) / most(looks.slice(0, half), worker),
  );
  const worst = Math.max(...growths);
  return {
    what: `resident memory of a worker over that drain: the most in its second half beside its first`,
    target: `≤ ${GROWTH_MAX} ×`,
    measured: `${worst.toFixed(2)} ×`,
    share: shareOf(worst, "≤", GROWTH_MAX),
    runs: growths,
    beside: `${range(growths, (value) => `${value.toFixed(2)} ×`)}; at start ${mbs(looks[0] ?? [])}, peak ${mbs(peaks)}, at the end ${mbs(looks.at(-1) ?? [])}`,
  };
}

export const pushQueue: Figure = {
  name: "push-queue",
  what: `a push queue of ${count(ENTRIES)} entries, drained by two workers: all of it, in bounded memory`,
  measure: async (say) =>
    withPushLab(say, async (lab) => {
      await Promise.all(lab.lab.stack.pushWorkers.map(async (worker) => worker.stop(STOP_MS)));
      const filled = await fill(lab);
      say(`  ${(filled.bytes / MB).toFixed(0)} MB in ${count(filled.messages)} messages of the queue`);
      const drained = await drain(lab, say);
      return [accountRow(lab, filled, drained), memoryRow(drained)];
    }),
};

import { jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamClient } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { build } from "hdr-histogram-js";
import type { Usage } from "../generator/cpu.ts";
import { countCpu } from "../generator/cpu.ts";
import { pause } from "../generator/load.ts";
import type { Percentiles } from "../generator/talk.ts";
import { percentilesOf, recordMs } from "../generator/talk.ts";

const STREAMS = 8;
const MS = 3_000;
const TICK_MS = 2;

export interface Appends extends Percentiles {
  readonly perSecond: number;
}

export interface PacedAppends extends Percentiles {
  /** CPU seconds for 1,000 appends: of nats-server, and of this process, which is only its client. */
  readonly cpu: Usage;
}

async function withStreams<T>(
  natsUrl: string,
  act: (js: JetStreamClient, subjects: readonly string[]) => Promise<T>,
): Promise<T> {
  const nats = await connect({ servers: natsUrl });
  const jsm = await jetstreamManager(nats);
  const names = Array.from({ length: STREAMS }, (_, i) => `bench-${Date.now()}-${i}`);
  for (const name of names) await jsm.streams.add({ name, subjects: [`bench.${name}`] });
  try {
    return await act(
      jsm.jetstream(),
      names.map((name) => `bench.${name}`),
    );
  } finally {
    for (const name of names) await jsm.streams.delete(name);
    await nats.close();
  }
}

/**
 * Fenced appends of `records` × 256 bytes through nats.js at full speed, with one in flight on each of 8
 * streams. Returns records per second, and the milliseconds of an append.
 */
export const appendAtFull = async (natsUrl: string, records: number): Promise<Appends> =>
  withStreams(natsUrl, async (js, subjects) => {
    const payload = new Uint8Array(records * 256).fill(120);
    const histogram = build();
    const end = performance.now() + MS;
    await Promise.all(
      subjects.map(async (subject) => {
        let lastSequence = 0;
        while (performance.now() < end) {
          const started = performance.now();
          lastSequence = (await js.publish(subject, payload, { expect: { lastSequence } })).seq;
          recordMs(histogram, performance.now() - started);
        }
      }),
    );
    return { ...percentilesOf(histogram), perSecond: (histogram.totalCount * records * 1_000) / MS };
  });

/**
 * Appends at a rate, with one record each: the least time that a single message waits. Open loop, but an
 * append waits for the one before it in its stream. `nats` is the server's process id.
 */
export const appendAtRate = async (natsUrl: string, nats: number, rate: number): Promise<PacedAppends> =>
  withStreams(natsUrl, async (js, subjects) => {
    const payload = new Uint8Array(256).fill(120);
    const histogram = build();
    const lanes = subjects.map(async () => 0);
    const used = countCpu({ "nats-server": nats, "its client": process.pid });
    const started = performance.now();
    const total = (rate * MS) / 1_000;
    for (let sent = 0; sent < total; await pause(TICK_MS)) {
      const until = Math.min(total, 1 + Math.floor(((performance.now() - started) * rate) / 1_000));
      for (; sent < until; sent += 1) {
        const due = started + (sent * 1_000) / rate;
        const lane = sent % STREAMS;
        lanes[lane] = (lanes[lane] ?? Promise.resolve(0)).then(async (lastSequence) => {
          const { seq } = await js.publish(subjects[lane] ?? "", payload, { expect: { lastSequence } });
          recordMs(histogram, performance.now() - due);
          return seq;
        });
      }
    }
    await Promise.all(lanes);
    const cpu = Object.entries(used()).map(([name, seconds]) => [name, (seconds * 1_000) / total] as const);
    return { ...percentilesOf(histogram), cpu: Object.fromEntries(cpu) };
  });

import type { Diary } from "../../diary.ts";
import { mostWithin } from "../../diary.ts";

/** What a connector reported in one look at it. */
export interface PodLook {
  readonly connections: number;
  /** Devices that it has told to go since it started. */
  readonly told: number;
}

/** All connectors that answered at one moment, by the names of their pods. */
export interface Look {
  /** By the monotonic clock of this process. */
  readonly at: number;
  readonly pods: Readonly<Record<string, PodLook>>;
  /** When connectors were told to send some of their devices to others: those that bear a mark of it. */
  readonly sheds?: readonly number[];
}

/** One second of a recording. A value that is not known is left out. */
export interface Second {
  readonly second: number;
  readonly connections: Readonly<Record<string, number>>;
  /** Devices that connectors told to go in a second, since the look before. */
  readonly toldPerSecond?: number;
  /** Devices that were welcomed again in this second. */
  readonly reconnects: number;
  readonly acks: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export interface Mark {
  readonly second: number;
  readonly what: string;
}

/** What a test saw of connectors and devices, second by second. */
export interface Recording {
  readonly name: string;
  readonly startedAt: string;
  /** As many as the machine bore, and what they sent. */
  readonly devices: number;
  readonly messagesPerSecond: number;
  /** Devices that may be told to go in one second (`spec.drain.maxReconnectsPerSecond`). */
  readonly perSecond: number;
  readonly seconds: readonly Second[];
  readonly marks: readonly Mark[];
}

/**
 * The devices that were told to go since the look before, for each look. A pod that is new was not there
 * before, and what a pod told after the last look at it is not known. What one told while looks missed it,
 * since it did not answer in time, is spread evenly over them.
 */
export function toldSinceBefore(looks: readonly Look[]): readonly number[] {
  const told = looks.map(() => 0);
  const seen = new Map<string, { readonly index: number; readonly told: number }>();
  for (const [index, look] of looks.entries()) {
    for (const [name, pod] of Object.entries(look.pods)) {
      const last = seen.get(name) ?? { index: index - 1, told: 0 };
      seen.set(name, { index, told: pod.told });
      const [from, more] = [looks[last.index], Math.max(0, pod.told - last.told)];
      if (from === undefined) continue;
      for (let at = last.index + 1; at <= index; at += 1) {
        const ms = (looks[at]?.at ?? 0) - (looks[at - 1]?.at ?? 0);
        told[at] = (told[at] ?? 0) + (more * ms) / (look.at - from.at);
      }
    }
  }
  return told;
}

/** How often some connectors were told to send devices to others, in the looks after the first one. */
export function shedsOf([before, ...looks]: readonly Look[]): number {
  const known = new Set(before?.sheds);
  return new Set(looks.flatMap(({ sheds = [] }) => sheds).filter((since) => !known.has(since))).size;
}

/** The spans in which connectors told devices to go, with the second after each look. */
export function movingSpans(looks: readonly Look[]): readonly { from: number; to: number }[] {
  const told = toldSinceBefore(looks);
  return looks.flatMap((look, index) => {
    const before = looks[index - 1];
    return before !== undefined && (told[index] ?? 0) > 0 ? [{ from: before.at, to: look.at + 1_000 }] : [];
  });
}

/** The drains of one rollout follow each other within this time; two rollouts, or two acts, do not. */
const SAME_ROLLOUT_MS = 30_000;

/** The spans between the drains of a rollout: nobody moves, and what else a rollout does goes on. */
export function restSpans(looks: readonly Look[]): readonly { from: number; to: number }[] {
  const moving = movingSpans(looks);
  return moving.flatMap(({ from }, index) => {
    const { to } = moving[index - 1] ?? { to: from };
    return from > to && from - to < SAME_ROLLOUT_MS ? [{ from: to, to: from }] : [];
  });
}

/**
 * The most devices in a second that connectors told to go, between any two looks that are at least `overMs`
 * apart. Two looks in a row are not exactly a second apart.
 */
export function mostToldPerSecond(looks: readonly Look[], overMs: number): number {
  const toldSince = toldSinceBefore(looks);
  let most = 0;
  for (const [first, from] of looks.entries()) {
    let told = 0;
    for (const [index, now] of looks.entries()) {
      if (index <= first) continue;
      told += toldSince[index] ?? 0;
      if (now.at - from.at < overMs) continue;
      most = Math.max(most, (1_000 * told) / (now.at - from.at));
      break;
    }
  }
  return most;
}

/** The connectors' side and the devices' side of each second. */
export function secondsOf(looks: readonly Look[], diary: Diary): readonly Second[] {
  const [{ at: start } = { at: 0 }] = looks;
  const told = toldSinceBefore(looks);
  return looks.map((look, index): Second => {
    const before = looks[index - 1];
    const span = { from: before?.at ?? look.at - 1_000, to: look.at };
    const ms = span.to - span.from;
    const [p50Ms, p99Ms] = [50, 99].map((p) => diary.answeredMs(p, span));
    return {
      second: Math.round((look.at - start) / 1_000),
      connections: Object.fromEntries(
        Object.entries(look.pods).map(([name, { connections }]) => [name, connections]),
      ),
      ...(before === undefined ? {} : { toldPerSecond: (1_000 * (told[index] ?? 0)) / ms }),
      reconnects: mostWithin(1_000, diary.reconnects(span)),
      acks: diary.answers(span),
      ...(p50Ms === undefined ? {} : { p50Ms }),
      ...(p99Ms === undefined ? {} : { p99Ms }),
    };
  });
}

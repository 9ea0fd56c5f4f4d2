import { build } from "hdr-histogram-js";
import type { Histogram } from "hdr-histogram-js";
import type { Pids } from "./cpu.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import type { Door, Person } from "./people.ts";
import { gather, leave } from "./people.ts";

/** Milliseconds from the intended time of sending. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Talk extends Load {
  readonly rate: number;
  readonly sent: number;
  /** The messages after the warm-up. Latencies and CPU are measured over these. */
  readonly timed: number;
  readonly acked: number;
  readonly received: number;
  readonly refused: number;
  readonly ack: Percentiles;
  readonly receive: Percentiles;
}

export interface TalkArgs {
  readonly door: Door;
  /** The number of sockets, one per user. Must be even. */
  readonly people: number;
  /** The number of 1-1 conversations, used in turn; at most people × (people − 1) / 2. */
  readonly conversations: number;
  readonly rate: number;
  readonly ms: number;
  /**
   * The duration of the warm-up at the same rate: this process has just started, and its code is still being
   * compiled. Its messages must arrive too, but are not timed. Default 0.
   */
  readonly warmMs?: number;
  /** Messages go to people of this prefix, who are away. By default they go to the people themselves. */
  readonly toPrefix?: string;
  readonly pids: Pids;
}

const SETTLE_MS = 10_000;
const TICK_MS = 2;
const BODY = "x".repeat(150);
const PREFIX = "b";
/** The unit of the histograms: hundredths of a millisecond. */
const UNIT = 100;

export const percentilesOf = (histogram: Histogram): Percentiles => {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / UNIT;
  return { p50: at(50), p90: at(90), p99: at(99), max: histogram.maxValue / UNIT };
};

export const recordMs = (histogram: Histogram, ms: number): void => {
  histogram.recordValue(Math.max(1, Math.round(ms * UNIT)));
};

/**
 * UUIDv7s of this moment that contain the message's number, by which its ack and its receipt find its due
 * time.
 */
export function idsAt(ms: number): (index: number) => string {
  const time = Math.floor(ms).toString(16).padStart(12, "0");
  const front = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-`;
  return (index) => front + index.toString(16).padStart(12, "0");
}

/** The number of a message, from the frame that has its id. */
export const numberIn = (text: string): number => {
  const at = text.indexOf("-8000-") + 6;
  return Number.parseInt(text.slice(at, at + 12), 16);
};

/**
 * The two members of a conversation, who take turns. The first conversations pair neighbours (0-1, 2-3 …), so
 * that a few conversations spread over all people. Each later round pairs everyone with another person.
 */
export function pairOf(conversation: number, people: number): readonly [number, number] {
  const perRound = people / 2;
  const round = Math.floor(conversation / perRound);
  const at = conversation % perRound;
  // The circle method of a round-robin tournament: every pair meets once in people − 1 rounds.
  if (at === 0) return [people - 1, round % (people - 1)];
  const turn = people - 1;
  return [(round + at) % turn, (round + turn - at) % turn];
}

interface Seen {
  acked: number;
  received: number;
  refused: number;
}

/**
 * Open loop: messages are sent when they are due, however late the answers are. Latency counts from the due
 * time (no coordinated omission). Ends when everything is answered and received, or after 10 s.
 */
export async function talk(args: TalkArgs): Promise<Talk> {
  const { door, people, conversations, rate, ms, warmMs = 0, toPrefix = PREFIX, pids } = args;
  const warm = Math.round((rate * warmMs) / 1_000);
  const total = warm + Math.round((rate * ms) / 1_000);
  const due = new Float64Array(total);
  const [ack, receive] = [build(), build()];
  const seen: Seen = { acked: 0, received: 0, refused: 0 };
  const record = (histogram: Histogram, text: string): void => {
    const number = numberIn(text);
    const dueAt = due[number];
    if (number >= warm && dueAt !== undefined) recordMs(histogram, performance.now() - dueAt);
  };
  const persons = await gather(door, PREFIX, people, (_, text) => {
    if (text.startsWith('{"t":"ack"')) {
      seen.acked += 1;
      record(ack, text);
    } else if (text.startsWith('{"t":"event"') && text.includes('"kind":"message"')) {
      seen.received += 1;
      record(receive, text);
    } else if (text.startsWith('{"t":"error"')) seen.refused += 1;
  });
  const pairs = Array.from({ length: conversations }, (_, i) => pairOf(i, people));
  let load = watchLoad(pids);
  const offered = await sendAll(persons, pairs, {
    due,
    rate,
    toPrefix,
    before: (sent) => {
      if (sent === warm) load = watchLoad(pids);
    },
  });
  const end = performance.now() + SETTLE_MS;
  const isDone = (): boolean =>
    seen.acked + seen.refused >= total && (toPrefix !== PREFIX || seen.received >= total);
  while (!isDone() && performance.now() < end) await pause(20);
  const how = load(offered);
  leave(persons);
  const [acks, receipts] = [percentilesOf(ack), percentilesOf(receive)];
  return { rate, sent: total, timed: total - warm, ...seen, ack: acks, receive: receipts, ...how };
}

interface Sending {
  readonly due: Float64Array;
  readonly rate: number;
  readonly toPrefix: string;
  readonly before: (sent: number) => void;
}

/**
 * Returns the share of the requested rate that was offered. `before` is called before each message, with the
 * number of messages already sent.
 */
async function sendAll(
  persons: readonly Person[],
  pairs: readonly (readonly [number, number])[],
  { due, rate, toPrefix, before }: Sending,
): Promise<number> {
  const started = performance.now();
  let sent = 0;
  while (sent < due.length) {
    const idOf = idsAt(Date.now());
    // The first message is due at once.
    const until = Math.min(due.length, 1 + Math.floor(((performance.now() - started) * rate) / 1_000));
    for (; sent < until; sent += 1) {
      before(sent);
      due[sent] = started + (sent * 1_000) / rate;
      const pair = pairs[sent % pairs.length] ?? [0, 1];
      const isAnswer = Math.floor(sent / pairs.length) % 2 === 1;
      const [from, to] = isAnswer ? [pair[1], pair[0]] : pair;
      persons[from]?.socket.send(
        `{"t":"send","id":"${idOf(sent)}","to":"${toPrefix}${to}","body":{"text":"${BODY}"}}`,
      );
    }
    await pause(TICK_MS);
  }
  const wanted = (due.length * 1_000) / rate;
  return Math.min(1, wanted / (performance.now() - started - TICK_MS));
}

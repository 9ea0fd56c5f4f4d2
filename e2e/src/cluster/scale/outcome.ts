import type { Diary, Span, Trouble } from "../../diary.ts";
import { mostWithin } from "../../diary.ts";
import type { Look } from "./recording.ts";
import { mostToldPerSecond, movingSpans, restSpans, shedsOf } from "./recording.ts";

/** A stall of the machine makes devices of several seconds come in one. It does not make them more. */
const OVER_SECONDS = 5;

/** What the devices went through during an act. */
export interface Outcome {
  readonly seconds: number;
  /** The p99 of the time from a send to its ack. */
  readonly beforeMs: number;
  readonly duringMs: number;
  /** While connectors told devices to go, and devices moved; undefined if none moved. */
  readonly movingMs: number | undefined;
  /** Between the drains of a rollout, when nobody moved; undefined if there is no such time. */
  readonly restMs: number | undefined;
  readonly slowestMs: number;
  /** How many devices reconnected so often; index 0 is left out. */
  readonly movesBy: ReadonlyMap<number, number>;
  /** How often overfull connectors sent devices to others. Each time, a device moves once more. */
  readonly sheds: number;
  /** The most in any few seconds. */
  readonly toldPerSecond: number;
  readonly reconnectsPerSecond: number;
  readonly refusals: readonly Trouble[];
  readonly interruptions: readonly Trouble[];
}

interface Seen {
  readonly diary: Diary;
  readonly looks: readonly Look[];
  readonly before: Span;
  readonly during: Span;
}

export function outcomeOf({ diary, looks, before, during }: Seen): Outcome {
  const ms = (p: number, ...spans: readonly Span[]): number => diary.answeredMs(p, ...spans) ?? Number.NaN;
  const movesBy = new Map<number, number>();
  for (const { length } of diary.moves(during).values()) movesBy.set(length, (movesBy.get(length) ?? 0) + 1);
  return {
    seconds: (during.to - during.from) / 1_000,
    beforeMs: ms(99, before),
    duringMs: ms(99, during),
    movingMs: diary.answeredMs(99, ...movingSpans(looks)),
    restMs: diary.answeredMs(99, ...restSpans(looks)),
    slowestMs: ms(100, during),
    movesBy,
    sheds: shedsOf(looks),
    toldPerSecond: mostToldPerSecond(looks, 1_000 * OVER_SECONDS),
    reconnectsPerSecond: mostWithin(1_000 * OVER_SECONDS, diary.reconnects(during)) / OVER_SECONDS,
    refusals: diary.refusals(during),
    interruptions: diary.interruptions(during),
  };
}

const FEW = 5;
const few = (what: string, troubles: readonly Trouble[]): readonly string[] =>
  troubles.slice(0, FEW).map(({ device, why }) => `${what}: ${device}: ${why}`);

/** The outcome for whoever reads the log of a test. */
export function wordsOf(outcome: Outcome): readonly string[] {
  const { seconds, beforeMs, duringMs, movingMs, restMs, slowestMs, movesBy, sheds } = outcome;
  const moves = [...movesBy].toSorted(([a], [b]) => a - b);
  return [
    `${seconds.toFixed(0)} s; p99 ${beforeMs.toFixed(0)} ms before, ${duringMs.toFixed(0)} during, ${movingMs?.toFixed(0) ?? "-"} while devices moved (${((movingMs ?? Number.NaN) / beforeMs).toFixed(1)} ×), ${restMs?.toFixed(0) ?? "-"} between the drains; slowest ${slowestMs.toFixed(0)}`,
    `devices by how often they reconnected: ${moves.map(([times, devices]) => `${times}×: ${devices}`).join(", ") || "none did"}; overfull connectors sent some to others ${sheds}×`,
    `in a second at most ${outcome.toldPerSecond.toFixed(1)} told to go, ${outcome.reconnectsPerSecond.toFixed(1)} came`,
    `${outcome.refusals.length} tries refused, ${outcome.interruptions.length} times offline`,
    ...few("refused", outcome.refusals),
    ...few("offline", outcome.interruptions),
  ];
}

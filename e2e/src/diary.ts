import { REAL } from "@jichat/client/surroundings.ts";
import type { Surroundings } from "@jichat/client/surroundings.ts";

/** A span of time, by the monotonic clock of this process. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface Noted {
  readonly at: number;
  readonly device: string;
}

/** What went wrong for a device, in the words of the SDK. */
export interface Trouble extends Noted {
  readonly why: string;
}

const isIn =
  ({ from, to }: Span) =>
  ({ at }: { readonly at: number }): boolean =>
    at >= from && at < to;

/** The p-th percentile; undefined if there is no value. */
export function percentile(p: number, values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))];
}

/** The most of the times that lie within any `ms`. */
export function mostWithin(ms: number, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= ms) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/**
 * Notes what the devices of crowds go through at their sockets, and when: it sees the moves that the SDK
 * hides from applications. It grows with the sends of one test.
 */
export class Diary {
  readonly #now: () => number;
  readonly #answers: { readonly at: number; readonly ms: number }[] = [];
  readonly #known = new Set<string>();
  /** Welcomes of devices that had been welcomed before. */
  readonly #reconnects: Noted[] = [];
  readonly #refusals: Trouble[] = [];
  readonly #interruptions: Trouble[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The surroundings of a client whose tries to connect are noted. */
  around(device: string, real: Surroundings = REAL): Surroundings {
    return {
      ...real,
      open: async (opening) => {
        try {
          const connection = await real.open(opening);
          if (this.#known.has(device)) this.#reconnects.push({ at: this.#now(), device });
          this.#known.add(device);
          return connection;
        } catch (error) {
          // A try that the client itself gave up was refused by nobody.
          if (!opening.signal.aborted) this.#refusals.push({ at: this.#now(), device, why: String(error) });
          throw error;
        }
      },
    };
  }

  answered(ms: number): void {
    this.#answers.push({ at: this.#now(), ms });
  }

  /** The application was told that it is offline. */
  interrupted(device: string, why: string): void {
    this.#interruptions.push({ at: this.#now(), device, why });
  }

  /** The p-th percentile of the time from a send to its ack, of the acks in these spans. */
  answeredMs(p: number, ...spans: readonly Span[]): number | undefined {
    const isWithin = spans.map(isIn);
    return percentile(
      p,
      this.#answers.filter((answer) => isWithin.some((within) => within(answer))).map(({ ms }) => ms),
    );
  }

  /** When the last send of a span was acked that took longer than `ms`; undefined if all were faster. */
  lastSlow(ms: number, span: Span): number | undefined {
    return this.#answers.filter(isIn(span)).findLast((answer) => answer.ms > ms)?.at;
  }

  answers(span: Span): number {
    return this.#answers.filter(isIn(span)).length;
  }

  /** When devices were welcomed that had been welcomed before. */
  reconnects(span: Span): readonly number[] {
    return this.#reconnects.filter(isIn(span)).map(({ at }) => at);
  }

  /** When each device reconnected; devices that stayed where they were are missing. */
  moves(span: Span): ReadonlyMap<string, readonly number[]> {
    const moves = new Map<string, number[]>();
    for (const { device, at } of this.#reconnects.filter(isIn(span)))
      moves.set(device, [...(moves.get(device) ?? []), at]);
    return moves;
  }

  refusals(span: Span): readonly Trouble[] {
    return this.#refusals.filter(isIn(span));
  }

  interruptions(span: Span): readonly Trouble[] {
    return this.#interruptions.filter(isIn(span));
  }
}

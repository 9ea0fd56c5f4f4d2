import type { Metrics, PodMetrics } from "../pod-metrics.ts";
import type { Did, Known } from "./gates.ts";

/** What a connector has counted since it was started. */
interface Counters {
  readonly hellos: number;
  /** Undefined if its version does not count them. */
  readonly welcomes: number | undefined;
  readonly moved: number;
  readonly frames: number;
  readonly errors: number;
}

interface Sample extends Counters {
  /** By the monotonic clock, in ms. */
  readonly at: number;
}

/** What connectors did is judged over this time. */
const WINDOW_MS = 30_000;
/** Less than that says too little. */
const SPAN_MIN_MS = 5_000;
/** Samples that are nearer to each other replace one another: so each pod has sixteen at most. */
const SPACING_MS = 2_000;
/** One answer may be late. Who does not answer for longer is not known. */
const SILENT_MS = 10_000;
/** A cluster that is not looked at for longer begins anew. */
const STALE_MS = 2 * WINDOW_MS;

/** Right clients get these: whoever asks for what is not there, and whoever is too fast. */
const NO_FAULT = ["NOT_FOUND", "RATE_LIMITED"];

function countersOf(metrics: Metrics): Counters | undefined {
  const frames = metrics.sum("jichat_connector_frames_total");
  const all = metrics.sum("jichat_connector_errors_total");
  if (frames === undefined || all === undefined) return undefined;
  const innocent = NO_FAULT.map((code) => metrics.sum("jichat_connector_errors_total", { code }) ?? 0);
  return {
    hellos: metrics.sum("jichat_connector_frames_total", { t: "hello" }) ?? 0,
    welcomes: metrics.sum("jichat_connector_welcomes_total"),
    moved: metrics.sum("jichat_connector_moves_total", { outcome: "told" }) ?? 0,
    frames,
    errors: innocent.reduce((rest, count) => rest - count, all),
  };
}

/** One that counts less than before was started again. */
const isReset = (before: Counters, after: Counters): boolean =>
  after.frames < before.frames || after.errors < before.errors || after.moved < before.moved;

const NOTHING: Did = { seconds: 0, hellos: 0, welcomes: 0, moved: 0, frames: 0, errors: 0 };

const plus = (sum: Did, first: Sample, last: Sample): Did => ({
  seconds: Math.max(sum.seconds, (last.at - first.at) / 1_000),
  hellos: sum.hellos + last.hellos - first.hellos,
  welcomes:
    sum.welcomes === undefined || last.welcomes === undefined || first.welcomes === undefined
      ? undefined
      : sum.welcomes + last.welcomes - first.welcomes,
  moved: sum.moved + last.moved - first.moved,
  frames: sum.frames + last.frames - first.frames,
  errors: sum.errors + last.errors - first.errors,
});

/** What the connectors of one ChatCluster counted lately. It lives as long as the process. */
export class GateSamples {
  readonly #pods = new Map<string, Sample[]>();
  #takenAt = 0;

  /** Takes what connectors told at `now`. Whoever is not there any more is forgotten. */
  take(metrics: PodMetrics, names: readonly string[], now: number): void {
    this.#takenAt = now;
    for (const pod of this.#pods.keys()) if (!names.includes(pod)) this.#pods.delete(pod);
    for (const name of names) {
      const told = metrics.get(name);
      const counters = told === undefined ? undefined : countersOf(told);
      if (counters !== undefined)
        this.#pods.set(name, following(this.#pods.get(name) ?? [], { ...counters, at: now }));
    }
  }

  /**
   * What these connectors did together. It is known only if each of them that is ready has told for long
   * enough.
   */
  did(pods: readonly { readonly name: string; readonly isReady: boolean }[]): Known<Did> {
    const now = this.#takenAt;
    let sum = NOTHING;
    for (const { name, isReady } of pods) {
      const [first, ...rest] = this.#pods.get(name) ?? [];
      const last = rest.at(-1);
      const toldAt = (last ?? first)?.at ?? now;
      const silentMs = now - toldAt;
      if (silentMs > SILENT_MS && isReady)
        return { unknown: `${name} has not reported its metrics for ${Math.round(silentMs / 1_000)} s` };
      if (silentMs > SILENT_MS) continue;
      if (first === undefined && isReady) return { unknown: `${name} does not report its metrics` };
      const isEnough = first !== undefined && last !== undefined && last.at - first.at >= SPAN_MIN_MS;
      if (isEnough) sum = plus(sum, first, last);
      else if (isReady) return { unknown: `${name} has been watched for less than ${SPAN_MIN_MS / 1_000} s` };
    }
    return sum;
  }
}

function following(before: readonly Sample[], sample: Sample): Sample[] {
  const last = before.at(-1);
  if (last === undefined || isReset(last, sample) || sample.at - last.at > STALE_MS) return [sample];
  const isNear = before.length > 1 && last.at - (before.at(-2)?.at ?? 0) < SPACING_MS;
  const all = [...(isNear ? before.slice(0, -1) : before), sample];
  // The first one is the last that is as old as the window, so that the whole window is covered.
  const from = all.findLastIndex(({ at }) => sample.at - at >= WINDOW_MS);
  return all.slice(Math.max(0, from));
}

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Telemetry } from "./telemetry.ts";

/** An autoscaler judges by a mean over this time: a burst of a second asks for nobody. */
const WINDOW_S = 30;
/** The first seconds of a process say nothing about its load, since it starts. */
const SURE_S = 15;
const SAMPLE_MS = 1_000;
/** How often the delay of the event loop is looked at. Each look counts the time between two as well. */
const LAG_LOOK_MS = 20;

/** The mean of a value over the last 30 s. */
export class WindowMean {
  readonly #samples: { readonly value: number; readonly seconds: number }[] = [];

  /** `seconds` is how long it has been since the last sample: a process that is busy is late. */
  add(value: number, seconds: number): void {
    this.#samples.push({ value, seconds });
    while (this.#seconds - (this.#samples[0]?.seconds ?? 0) >= WINDOW_S) this.#samples.shift();
  }

  /** NaN while too little is known. */
  get mean(): number {
    const seconds = this.#seconds;
    if (seconds < SURE_S) return Number.NaN;
    return this.#samples.reduce((sum, sample) => sum + sample.value * sample.seconds, 0) / seconds;
  }

  get #seconds(): number {
    return this.#samples.reduce((sum, { seconds }) => sum + seconds, 0);
  }
}

/** Looks at what makes up the load of this process, once a second. */
export class LoadMeter {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #samplers: ((seconds: number) => void)[] = [];
  #last: number;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  /** The mean of what `read` returns. */
  mean(read: () => number): () => number {
    const window = new WindowMean();
    this.#samplers.push((seconds) => {
      window.add(read(), seconds);
    });
    return () => window.mean;
  }

  /** How much a total that only grows has grown in a second. */
  rate(total: () => number): () => number {
    const window = new WindowMean();
    let before = total();
    this.#samplers.push((seconds) => {
      const now = total();
      window.add((now - before) / seconds, seconds);
      before = now;
    });
    return () => window.mean;
  }

  sample(): void {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#last) / 1_000;
    if (seconds <= 0) return;
    this.#last = now;
    for (const sampler of this.#samplers) sampler(seconds);
  }

  /** Ends with the process at the latest: it keeps nothing alive. */
  start(signal: AbortSignal): void {
    const timer = setInterval(() => {
      this.sample();
    }, SAMPLE_MS).unref();
    signal.addEventListener("abort", () => {
      clearInterval(timer);
    });
  }
}

/** Reports how busy this process is: the gauges that every component that is scaled by load has. */
export function watchProcess(telemetry: Pick<Telemetry, "gauge">, meter: LoadMeter): void {
  const delays = monitorEventLoopDelay({ resolution: LAG_LOOK_MS });
  delays.enable();
  const lag = meter.mean(() => {
    const { max, count } = delays;
    delays.reset();
    return count === 0 ? 0 : Math.max(0, max / 1e9 - LAG_LOOK_MS / 1_000);
  });
  const cpu = meter.rate(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  telemetry.gauge(
    "jichat_event_loop_lag_seconds",
    "the longest delay of the event loop within a second, on average over 30 s",
    lag,
  );
  telemetry.gauge("jichat_cpu_cores", "cores that this process uses, on average over 30 s", cpu);
}

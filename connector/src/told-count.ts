/** How many were told at which moment, as far back as anybody asks. */
export class ToldCount {
  readonly #keepMs: number;
  #steps: { readonly at: number; readonly count: number }[] = [];

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** `at` is in monotonic milliseconds and never falls. There is one entry a step, so they are few. */
  add(at: number, count: number): void {
    this.#steps = this.#steps.filter((step) => at - step.at < this.#keepMs);
    if (count > 0) this.#steps.push({ at, count });
  }

  /** Those of the last `ms` before `at`. */
  within(at: number, ms: number): number {
    return this.#steps.reduce((sum, step) => (at - step.at < ms ? sum + step.count : sum), 0);
  }
}

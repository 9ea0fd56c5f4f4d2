/** Failures in a row that open a circuit. */
const FAILURES_MAX = 10;
const OPEN_MIN_MS = 2_000;
const OPEN_MAX_MS = 60_000;
/** A probe that has not ended by then is given up, so that another one can be sent. */
const PROBE_MAX_MS = 60_000;

export type CircuitState = "closed" | "open" | "half-open";

/**
 * Whether a provider is worth an attempt. It opens after `FAILURES_MAX` failures in a row, for a time that
 * doubles. Then it is half open: one push is the probe, and its outcome decides. Pure: the caller passes
 * monotonic milliseconds.
 */
export class Circuit {
  #failures = 0;
  #openMs = 0;
  #until = 0;
  #probeUntil = 0;
  #isOpen = false;

  state(now: number): CircuitState {
    if (!this.#isOpen) return "closed";
    return now < this.#until ? "open" : "half-open";
  }

  /** Whether a push may be sent now. Where this is a probe, all later ones wait for its outcome. */
  take(now: number): boolean {
    if (!this.#isOpen) return true;
    if (now < this.#until || now < this.#probeUntil) return false;
    this.#probeUntil = now + PROBE_MAX_MS;
    return true;
  }

  /** The provider answered, whatever it was. */
  up(): void {
    this.#failures = 0;
    this.#isOpen = false;
    this.#openMs = 0;
    this.#probeUntil = 0;
  }

  /** The provider is down; it may have asked for `afterMs` of rest. `random` is in [0, 1). */
  down(now: number, random: number, afterMs = 0): void {
    this.#failures += 1;
    const isProbe = this.#isOpen && now >= this.#until;
    if (this.#isOpen ? !isProbe : this.#failures < FAILURES_MAX) return;
    this.#openMs = Math.min(OPEN_MAX_MS, Math.max(OPEN_MIN_MS, 2 * this.#openMs));
    this.#isOpen = true;
    this.#probeUntil = 0;
    // Half of it is random, so that workers do not probe together.
    this.#until = now + Math.max(Math.min(afterMs, OPEN_MAX_MS), this.#openMs * (0.5 + random / 2));
  }
}

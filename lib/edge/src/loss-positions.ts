import type { Positions } from "./cursor.ts";

/**
 * The positions of all logs at some moment after the present Redis was first seen. Effects of earlier events
 * may have gone to a lost Redis, so a list is rebuilt from storage at these positions or later. The owners
 * name them, each after an append. Without the append a deposed owner could name an older position, and what
 * its successor wrote to the lost Redis would be missing for ever.
 */
export class LossPositions {
  readonly #ask: (partition: number) => Promise<number>;
  readonly #run: () => string;
  readonly #partitions: number;
  #known: { readonly run: string; readonly positions: Promise<Positions> } | undefined;

  /** `ask` resolves with a partition's fenced position; `run` names the present Redis. */
  constructor(partitions: number, run: () => string, ask: (partition: number) => Promise<number>) {
    this.#partitions = partitions;
    this.#run = run;
    this.#ask = ask;
  }

  /** Called when the log was replaced, and its positions with it. */
  forget(): void {
    this.#known = undefined;
  }

  /** Asks the owners once for each Redis. A failed try is forgotten. */
  async read(): Promise<Positions> {
    const run = this.#run();
    if (this.#known?.run === run) return this.#known.positions;
    const positions = Promise.all(
      Array.from({ length: this.#partitions }, (_, partition) => this.#ask(partition)),
    );
    const known = { run, positions };
    this.#known = known;
    try {
      return await positions;
    } catch (error) {
      if (this.#known === known) this.#known = undefined;
      throw error;
    }
  }
}

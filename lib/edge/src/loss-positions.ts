import type { Positions } from "./cursor.ts";

/**
 * Where every log stood at some moment after the present Redis was first met. What was published before that
 * moment may have gone to a Redis that is lost, so a list is rebuilt from storage at these positions or
 * later. They come from the owners, each behind an append: a deposed owner would name an older one, and what
 * its successor published into the lost Redis would be missing for ever.
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

  /** The log is another one: its positions are too. */
  forget(): void {
    this.#known = undefined;
  }

  /** Asked once for every Redis; a failed try is forgotten. */
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

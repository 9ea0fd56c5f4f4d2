import { BURST, backlogIndex, kindOf } from "./backlog.ts";
import type { Circle } from "./places.ts";
import { placesOf } from "./places.ts";
import type { Landed } from "./sink.ts";

/** Which bursts of a queue were heard of to their end. A push stands for all of its place before it. */
export class Heard {
  readonly #bursts: number;
  readonly #places: number;
  readonly #first: number;
  readonly #conversations: ReadonlyMap<string, number>;
  readonly #isEnded: Uint8Array;

  constructor(circle: Circle, entries: number, first: number) {
    const places = placesOf(circle);
    this.#bursts = Math.floor(entries / BURST);
    this.#places = places.length;
    this.#first = first;
    this.#conversations = new Map(places.map(({ conversation }, index) => [conversation, index >> 1]));
    this.#isEnded = new Uint8Array(this.#bursts);
  }

  take({ conversation, seq }: Landed): void {
    const at = this.#conversations.get(conversation);
    if (at === undefined) throw new Error(`a push for ${conversation}, which nobody is in`);
    const index = backlogIndex(at, seq, this.#places, this.#first);
    if (index % BURST === BURST - 1) this.#isEnded[Math.floor(index / BURST)] = 1;
  }

  /** Bursts that should have been pushed, and whose last message no push stands for. */
  get unheard(): number {
    let unheard = 0;
    for (let burst = 0; burst < this.#bursts; burst += 1)
      if (kindOf(burst) === "wanted" && !this.#isCovered(burst)) unheard += 1;
    return unheard;
  }

  #isCovered(burst: number): boolean {
    for (let later = burst; later < this.#bursts; later += this.#places)
      if (this.#isEnded[later] === 1) return true;
    return false;
  }
}

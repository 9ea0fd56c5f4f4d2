import type { Span } from "./otlp-receiver.ts";

/**
 * The latest traces by id, each with its own spans and the spans linked to it. When the store is full, the
 * oldest trace is dropped.
 */
export class TraceStore {
  readonly #max: number;
  readonly #traces = new Map<string, Span[]>();

  constructor(max = 1_000) {
    this.#max = max;
  }

  /** Adds spans. Returns the ids of the traces that have grown. */
  add(spans: readonly Span[]): ReadonlySet<string> {
    const grown = new Set<string>();
    for (const span of spans)
      for (const id of new Set([span.traceId, ...span.links.map(({ traceId }) => traceId)])) {
        const known = this.#traces.get(id);
        if (known === undefined) this.#traces.set(id, [span]);
        else known.push(span);
        grown.add(id);
      }
    for (const id of this.#traces.keys()) {
      if (this.#traces.size <= this.#max) break;
      this.#traces.delete(id);
    }
    return grown;
  }

  get(traceId: string): readonly Span[] {
    return this.#traces.get(traceId) ?? [];
  }
}

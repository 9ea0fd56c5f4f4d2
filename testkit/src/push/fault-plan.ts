/** What a local service does instead of its work. */
export type Fault =
  | {
      readonly is: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A text, or a value that is sent as JSON. */
      readonly body?: unknown;
    }
  /** Works after `ms` milliseconds. */
  | { readonly is: "slow"; readonly ms: number }
  /** Never answers. */
  | { readonly is: "silent" }
  /** Ends the connection (HTTP/2: the stream) without an answer. */
  | { readonly is: "reset" }
  /** HTTP/1.1 only. Answers with bytes that are not HTTP, or announces more of a body than it sends. */
  | { readonly is: "garbled" | "cut" }
  /** HTTP/1.1 only. Works, and then answers with a status that denies it. */
  | { readonly is: "denied"; readonly status: number };

export const bodyText = (body: unknown): string =>
  typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);

/** Faults of a service: those of its next requests, in order, and one for all others. */
export class FaultPlan<F = Fault> {
  readonly #next: F[] = [];
  #always: F | undefined;
  #met = 0;

  /** The next requests meet these, one each. */
  next(...faults: readonly F[]): void {
    this.#next.push(...faults);
  }

  /** Every request meets this, until it is `undefined` again. */
  always(fault: F | undefined): void {
    this.#always = fault;
  }

  /** How many requests have met a fault. */
  get met(): number {
    return this.#met;
  }

  take(): F | undefined {
    const fault = this.#next.shift() ?? this.#always;
    if (fault !== undefined) this.#met += 1;
    return fault;
  }
}

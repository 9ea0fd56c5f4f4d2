import type { Clock } from "@jichat/protocol/clock.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { hashOf } from "../kube/hash.ts";
import type { ServersTold } from "./next-server.ts";

export interface ServerWatchOptions {
  /** Never rejects. */
  readonly ask: (input: DesiredInput) => Promise<ServersTold>;
  readonly clock: Clock;
  /** Called when an answer differs from the one before. */
  readonly onNews: (key: string) => void;
}

/** An answer counts for this long: servers may fail later, and the API server reports that late. */
const FRESH_MS = 5_000;
const AGAIN_MS = 1_000;

interface Known {
  readonly epoch: string;
  readonly told: ServersTold;
  /** From when on it counts: when it was asked, or came if something is behind. */
  readonly at: number;
}

/**
 * Asks managed NATS how level its servers are while it is rolled, beside the passes. An answer counts only
 * for the servers that the caller saw before it was asked: none that is older than the last restart.
 */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: ServerWatchOptions) {
    this.#options = options;
  }

  /** The last answer about these servers, if it is fresh. Asks again if it is not. */
  look(key: string, input: DesiredInput, epoch: string): ServersTold | undefined {
    const known = this.#known.get(key);
    const age = this.#options.clock.monotonic() - (known?.at ?? Number.NEGATIVE_INFINITY);
    const isOf = known?.epoch === epoch;
    if ((!isOf || age >= AGAIN_MS) && !this.#running.has(key))
      this.#running.set(key, this.#ask(key, input, epoch));
    return isOf && age < FRESH_MS ? known.told : undefined;
  }

  /** Stops looking. Resolves when no look is running. */
  async forget(key: string): Promise<void> {
    await this.#running.get(key);
    this.#known.delete(key);
  }

  async #ask(key: string, input: DesiredInput, epoch: string): Promise<void> {
    const at = this.#options.clock.monotonic();
    const told = await this.#options.ask(input);
    this.#running.delete(key);
    const before = this.#known.get(key);
    // What is behind may be told late; that all is level may not.
    const countsFrom = told.behind.length > 0 ? this.#options.clock.monotonic() : at;
    this.#known.set(key, { epoch, told, at: countsFrom });
    if (before?.epoch !== epoch || hashOf(before.told) !== hashOf(told)) this.#options.onNews(key);
  }
}

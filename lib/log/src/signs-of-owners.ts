import type { Clock } from "@jichat/protocol/clock.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Bus, Subscription } from "@jichat/runtime/bus.ts";
import { NobodyServes, SendRefused } from "@jichat/runtime/bus.ts";
import type { Sign } from "./absences.ts";
import { ASK_EVERY_MS, Absences } from "./absences.ts";

/**
 * An owner whose answer takes longer is silent. Short, since the question that was on its way when an owner
 * was killed is never answered.
 */
const ANSWER_MS = ASK_EVERY_MS;
/**
 * After this time without a question, an owner subscribes anew: its login may have been refused the subject
 * before. A login that may not ask tries again after this time too.
 */
const AGAIN_MS = 60_000;
const NOTHING = new Uint8Array(0);

interface SignsParts {
  readonly bus: Pick<Bus, "onReconnect" | "request" | "subscribe">;
  readonly names: Pick<Names, "alive">;
  readonly clock: Clock;
  readonly me: string;
  /** After a lost connection of ours, nobody is struck off for this time. */
  readonly quietMs: number;
  /** The owners whose keys have not expired. */
  readonly living: () => Iterable<string>;
  /** `id` has no connection any more. Must not reject. */
  readonly strike: (id: string) => Promise<void>;
}

/**
 * Answers other owners, and asks two of them whether they are there. The word "nobody" comes from NATS at
 * once, so a killed process is known long before its lease expires (ADR 0040).
 */
export class SignsOfOwners {
  readonly #parts: SignsParts;
  readonly #absences: Absences;
  readonly #asking = new Set<string>();
  #subscription: Subscription;
  /** When this owner was last asked, or last subscribed. */
  #heardAt: number;
  #mayAskFrom = Number.NEGATIVE_INFINITY;

  constructor(parts: SignsParts) {
    this.#parts = parts;
    this.#absences = new Absences(parts.quietMs);
    this.#heardAt = parts.clock.monotonic();
    this.#subscription = this.#subscribe();
    parts.bus.onReconnect(() => {
      this.#absences.reconnected(parts.clock.monotonic());
    });
  }

  /** Asks until the signal aborts. The caller then has left, and answers nobody any more. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, me, living } = this.#parts;
    while (!signal.aborted) {
      const now = clock.monotonic();
      if (now - this.#heardAt > AGAIN_MS) this.#subscribeAgain(now);
      if (now >= this.#mayAskFrom)
        for (const id of this.#absences.asked(me, living(), now))
          if (!this.#asking.has(id)) void this.#ask(id, signal);
      await clock.sleep(ASK_EVERY_MS, signal).catch(() => undefined);
    }
    this.#subscription.stop();
  }

  #subscribe(): Subscription {
    const { bus, names, clock, me } = this.#parts;
    return bus.subscribe(names.alive(me), ({ reply }) => {
      this.#heardAt = clock.monotonic();
      reply();
    });
  }

  /** The new subscription comes before the end of the old one, so that no question finds nobody. */
  #subscribeAgain(now: number): void {
    const old = this.#subscription;
    this.#heardAt = now;
    this.#subscription = this.#subscribe();
    old.stop();
  }

  renewed(id: string): void {
    this.#absences.renewed(id, this.#parts.clock.monotonic());
  }

  left(id: string): void {
    this.#absences.left(id, this.#parts.clock.monotonic());
  }

  async #ask(id: string, signal: AbortSignal): Promise<void> {
    const { clock, strike } = this.#parts;
    this.#asking.add(id);
    const sign = await this.#signOf(id);
    this.#asking.delete(id);
    if (!signal.aborted && this.#absences.isGone(id, sign, clock.monotonic())) await strike(id);
  }

  async #signOf(id: string): Promise<Sign> {
    const { bus, names, clock } = this.#parts;
    try {
      await bus.request(names.alive(id), NOTHING, ANSWER_MS);
      return "answered";
    } catch (error) {
      // Each refused request is a line in the logs of nats-server.
      if (error instanceof SendRefused) this.#mayAskFrom = clock.monotonic() + AGAIN_MS;
      return error instanceof NobodyServes ? "nobody" : "silent";
    }
  }
}

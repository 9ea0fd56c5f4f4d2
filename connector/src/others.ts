import type { Clock } from "@jichat/protocol/clock.ts";
import type { OtherConnector } from "@jichat/presence/announcement.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Own } from "./drain-pace.ts";
import { successorsOf } from "./drain-pace.ts";

interface OthersParts {
  readonly presence: Pick<Presence, "connectors" | "ready">;
  readonly own: Own;
  /** The cluster's clock. */
  readonly clock: Pick<Clock, "now">;
  readonly time: Pick<Clock, "monotonic">;
  readonly telemetry: Pick<Telemetry, "log">;
}

const EVERY_MS = 500;
/** After this time without an answer of Redis, nothing is known. */
const STALE_MS = 3_000;

/**
 * The connectors that take this one's devices, as Redis knew them last. It is read only while somebody asks.
 */
export class Others {
  readonly #parts: OthersParts;
  #latest: { readonly at: number; readonly takers: readonly OtherConnector[] } | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(parts: OthersParts) {
    this.#parts = parts;
  }

  /** Undefined while nothing is known: not yet, or Redis is away. Asks Redis again where that is due. */
  takers(): readonly OtherConnector[] | undefined {
    const now = this.#parts.time.monotonic();
    if (!this.#isAsking && now - this.#askedAt >= EVERY_MS) void this.#ask(now);
    return this.#latest !== undefined && now - this.#latest.at < STALE_MS ? this.#latest.takers : undefined;
  }

  /** Never rejects. */
  async #ask(now: number): Promise<void> {
    const { presence, own, clock, telemetry } = this.#parts;
    if (!presence.ready) return;
    this.#isAsking = true;
    this.#askedAt = now;
    try {
      const takers = successorsOf(own, await presence.connectors(), clock.now());
      this.#latest = { at: now, takers };
    } catch (error) {
      telemetry.log.warn({ err: error }, "the other connectors cannot be read from Redis: asking again");
    } finally {
      this.#isAsking = false;
    }
  }
}

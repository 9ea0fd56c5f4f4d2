import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Lanes } from "@jichat/edge/lanes.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Hub } from "./hub.ts";
import type { TicketParts } from "./issue-ticket.ts";
import { issueTicket } from "./issue-ticket.ts";

const STEP_MS = 50;
/** How long a device may stay after the time at which it was told to reconnect. Then it is closed. */
const GRACE_MS = 1_000;
const FLUSH_MS = 8_000;

interface DrainParts extends TicketParts {
  readonly hub: Pick<Hub, "size" | "sockets">;
  readonly lanes: Pick<Lanes, "waiting">;
  readonly telemetry: Pick<Telemetry, "log">;
}

/**
 * Sends all devices to other connectors, evenly over the drain time. Accepted commands are still answered.
 */
export class Drain {
  readonly #parts: DrainParts;
  #run = 0;
  #draining = false;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  get isOn(): boolean {
    return this.#draining;
  }

  /** Resolves when no socket is left, or after `drainMs`. Resolves at once if the drain is cancelled. */
  async start(drainMs: number): Promise<void> {
    this.#draining = true;
    this.#run += 1;
    const run = this.#run;
    const { hub, telemetry } = this.#parts;
    telemetry.log.info({ sockets: hub.size, drainMs }, "connector drains");
    const spreadMs = Math.max(0, drainMs - GRACE_MS) * 0.8;
    const live = [...hub.sockets].filter((session) => session.isLive);
    live.forEach((session, index) => {
      const reconnectAfterMs = Math.round((spreadMs * index) / Math.max(1, live.length));
      session.write({
        t: "goaway",
        reason: "draining",
        reconnectAfterMs,
        ticket: issueTicket(this.#parts, session).ticket,
      });
      setTimeout(() => {
        if (this.#run !== run || !this.#draining) return;
        session.isOverdue = true;
        session.close(CLOSE.goingAway, "draining");
      }, reconnectAfterMs + GRACE_MS).unref();
    });
    const end = systemClock.monotonic() + drainMs;
    while (hub.size > 0 && systemClock.monotonic() < end && this.#draining && this.#run === run)
      await systemClock.sleep(STEP_MS);
  }

  /** Cancels the drain. Devices that were already told to go may still go. */
  cancel(): void {
    this.#draining = false;
    this.#run += 1;
  }

  /**
   * Call after the drain. Waits up to `FLUSH_MS` for accepted commands to be answered, then closes the
   * remaining sockets.
   */
  async finish(): Promise<void> {
    const { hub, lanes } = this.#parts;
    const end = systemClock.monotonic() + FLUSH_MS;
    while (lanes.waiting > 0 && systemClock.monotonic() < end) await systemClock.sleep(STEP_MS);
    for (const session of hub.sockets) session.close(CLOSE.goingAway, "going away");
    await systemClock.sleep(STEP_MS);
  }
}

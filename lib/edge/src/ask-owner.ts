import { encodeCommands } from "@jichat/protocol/bus/command.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { NobodyServes } from "@jichat/runtime/bus.ts";
import type { Ask } from "./command-lane.ts";

/** Longer than nearly every exchange, so that probes are rare. Shorter than any takeover after a crash. */
export const PROBE_EVERY_MS = 150;

interface AskOwnerParts {
  readonly bus: Pick<Bus, "request">;
  readonly clock: Pick<Clock, "sleep">;
  readonly subject: string;
  /** Names this edge to the owner. */
  readonly from: string;
}

/**
 * Asks the owner of a partition. A process that dies leaves its requests without an answer, and the bus tells
 * nobody. So while an answer is missing, this asks with a batch of no commands, one at a time, whether
 * anybody serves the subject. If nobody does, it rejects with `NobodyServes` before the time-out, though the
 * request may have arrived. A probe without an answer proves nothing.
 */
export function askOwner({ bus, clock, subject, from }: AskOwnerParts): Ask {
  const probe = encodeCommands(from, 0, []);

  const untilNobodyServes = async (over: AbortSignal): Promise<never> => {
    for (;;) {
      await clock.sleep(PROBE_EVERY_MS, over);
      try {
        // Short: a probe that was on its way when the owner died is never answered either.
        await bus.request(subject, probe, PROBE_EVERY_MS);
      } catch (error) {
        if (error instanceof NobodyServes) throw error;
        // The owner is there and busy, or NATS does not answer: the request has its own time-out.
      }
    }
  };

  return async (bytes, timeoutMs) => {
    const over = new AbortController();
    try {
      return await Promise.race([bus.request(subject, bytes, timeoutMs), untilNobodyServes(over.signal)]);
    } finally {
      over.abort(new Error("the owner has answered"));
    }
  };
}

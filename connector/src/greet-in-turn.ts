import { systemClock } from "@jichat/protocol/clock.ts";
import { asChatError, isRetryable } from "@jichat/protocol/errors.ts";
import type { Hello } from "@jichat/protocol/frame/client-frame.ts";
import type { ArrivalGate } from "./arrival-gate.ts";
import type { HandshakeParts } from "./handshake.ts";
import { greet } from "./handshake.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";

export interface TurnParts extends HandshakeParts {
  readonly arrivals: Pick<ArrivalGate, "enter" | "left">;
  readonly metrics: Pick<ConnectorMetrics, "countWelcome">;
}

/** Greets a session when it is its turn. Throws BUSY if too many come at once, and what `greet` throws. */
export async function greetInTurn(
  parts: TurnParts,
  session: Session,
  hello: Hello,
  traceId: string,
): Promise<void> {
  const { arrivals, metrics } = parts;
  const kind = hello.token === undefined ? "resume" : "login";
  await arrivals.enter(kind, () => session.isOpen);
  const began = systemClock.monotonic();
  let failed = false;
  try {
    await greet(parts, session, hello, traceId);
    if (session.isLive) metrics.countWelcome(kind);
  } catch (thrown) {
    failed = isRetryable(asChatError(thrown).code);
    throw thrown;
  } finally {
    arrivals.left(systemClock.monotonic() - began, failed);
  }
}

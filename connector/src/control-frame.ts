import { CLOSE } from "@jichat/protocol/errors.ts";
import type { IntakeParts } from "./intake-of.ts";
import { intakeOf } from "./intake-of.ts";
import type { Session } from "./session.ts";

/**
 * Handles a WebSocket ping or pong. uWS answers pings, and nobody answers pongs. A client that sends too many
 * gets no error, but is closed like one that is refused too often.
 */
export function onControl(parts: IntakeParts, session: Session, bytes: number): void {
  session.heard();
  if (!session.isOpen) return;
  const intake = intakeOf(parts, session);
  if (intake.admit(bytes) > 0 && intake.refused()) session.close(CLOSE.tooMany, "too many pings or pongs");
}

import { CLOSE } from "@jichat/protocol/errors.ts";
import type { IntakeParts } from "./intake-of.ts";
import { intakeOf } from "./intake-of.ts";
import type { Session } from "./session.ts";

/**
 * A ping or pong of WebSocket's own. uWS answers the one, and nobody the other: who sends too many is told
 * nothing, and is closed as who is refused too often.
 */
export function onControl(parts: IntakeParts, session: Session, bytes: number): void {
  session.life = "heard";
  if (!session.isOpen) return;
  const intake = intakeOf(parts, session);
  if (intake.admit(bytes) > 0 && intake.refused()) session.close(CLOSE.tooMany, "too many pings or pongs");
}

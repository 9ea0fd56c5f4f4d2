import type { Tickets } from "@jichat/identity/tickets.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Session } from "./session.ts";

export interface TicketParts {
  readonly tickets: Pick<Tickets, "issue">;
  /** The cluster's clock. Tickets and tokens expire by it. */
  readonly clock: Pick<Clock, "now">;
}

/**
 * Issues a ticket for the session's identity, and records its times on the session, so that the sweep
 * replaces it.
 */
export function issueTicket(
  { tickets, clock }: TicketParts,
  session: Session,
): { ticket: string; ticketExpiresAt: number } {
  if (session.identity === undefined) throw new Error("a ticket needs an authenticated session");
  const now = clock.now();
  const issued = tickets.issue({ ...session.identity, device: session.device }, now);
  session.ticketIssuedAt = now;
  session.ticketExpiresAt = issued.ticketExpiresAt;
  return issued;
}

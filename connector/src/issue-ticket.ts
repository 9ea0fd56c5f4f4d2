import type { Tickets } from "@jichat/identity/tickets.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Session } from "./session.ts";

export interface TicketParts {
  readonly tickets: Pick<Tickets, "issue">;
  /** What is said of the time of day, and whether tokens and tickets are over, goes by it. */
  readonly clock: Pick<Clock, "now">;
}

/** A fresh ticket for this session's identity; remembers when it has to be replaced. */
export function issueTicket(
  { tickets, clock }: TicketParts,
  session: Session,
): { ticket: string; ticketExpiresAt: number } {
  if (session.identity === undefined) throw new Error("a ticket is for who is authenticated");
  const now = clock.now();
  const issued = tickets.issue({ ...session.identity, device: session.device }, now);
  session.ticketIssuedAt = now;
  session.ticketExpiresAt = issued.ticketExpiresAt;
  return issued;
}

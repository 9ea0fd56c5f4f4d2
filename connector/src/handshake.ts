import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Tickets } from "@jichat/identity/tickets.ts";
import type { Identity, Tokens } from "@jichat/identity/tokens.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Hello } from "@jichat/protocol/frame/client-frame.ts";
import type { Config } from "./config.ts";
import type { Hub } from "./hub.ts";
import type { TicketParts } from "./issue-ticket.ts";
import { issueTicket } from "./issue-ticket.ts";
import type { RegistrationParts } from "./registration.ts";
import { register } from "./registration.ts";
import { newSessionId } from "./session-id.ts";
import type { Session } from "./session.ts";

interface IdentityParts extends TicketParts {
  readonly tickets: Pick<Tickets, "issue" | "verify">;
  readonly tokens: Pick<Tokens, "verify">;
  readonly revocations: Pick<Revocations, "refuse">;
}

export interface HandshakeParts extends IdentityParts, RegistrationParts {
  readonly config: RegistrationParts["config"] &
    Pick<Config, "heartbeatMs" | "frameBytesMax" | "bodyBytesMax" | "messagesPerSecond">;
  readonly hub: RegistrationParts["hub"] & Pick<Hub, "place">;
}

/**
 * Authenticates, registers and welcomes a session. Throws a ChatError if the client may not come in. The
 * caller then closes the socket.
 */
export async function greet(
  parts: HandshakeParts,
  session: Session,
  hello: Hello,
  traceId: string,
): Promise<void> {
  const { config, hub, clock } = parts;
  const identity = await identify(parts, hello);
  if (!session.isOpen) return;
  session.user = identity.user;
  session.device = hello.device;
  session.echo = hello.echo;
  session.identity = identity;
  session.id = newSessionId();
  session.client = hello.client;
  session.helloAt = systemClock.monotonic();
  session.connectedAt = clock.now();
  // The session is placed before it is registered, and registered before it is welcomed. An event that
  // arrives in between sets `missed`.
  hub.place(session)?.close(CLOSE.replaced, "this device connected again");
  session.list = await register(parts, session, true);
  if (!session.isOpen) return;
  session.state = "live";
  session.write({
    t: "welcome",
    user: session.user,
    device: session.device,
    session: session.id,
    ...issueTicket(parts, session),
    heartbeatMs: config.heartbeatMs,
    limits: {
      frameBytes: config.frameBytesMax,
      bodyBytes: config.bodyBytesMax,
      messagesPerSecond: config.messagesPerSecond,
    },
    serverTime: clock.now(),
    traceId,
  });
  if (session.missed) session.writeGap(clock.now());
}

async function identify(
  { tokens, tickets, revocations, clock }: IdentityParts,
  hello: Hello,
): Promise<Identity> {
  const identity =
    hello.token === undefined
      ? tickets.verify(hello.ticket ?? "", hello.device, clock.now())
      : await tokens.verify(hello.token);
  revocations.refuse(identity, hello.device);
  return identity;
}

import type { Replacement } from "@jichat/protocol/bus/replacement.ts";
import { encodeInner } from "@jichat/protocol/bus/wire.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Hello } from "@jichat/protocol/frame/client-frame.ts";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { newSessionId } from "./session-id.ts";
import type { Session } from "./session.ts";
import type { World } from "./world.ts";

/** Authenticates, registers and welcomes. Throws a ChatError for who may not come in; the caller closes. */
export async function greet(world: World, session: Session, hello: Hello, traceId: string): Promise<void> {
  const { config, hub, clock } = world;
  const identity = await identify(world, hello);
  if (!session.isOpen) return;
  session.user = identity.user;
  session.device = hello.device;
  session.echo = hello.echo;
  session.identity = identity;
  session.id = newSessionId();
  session.helloAt = systemClock.monotonic();
  // Placed before it is registered, and registered before it is welcomed: what comes meanwhile marks it as
  // having missed.
  hub.place(session)?.close(CLOSE.replaced, "this device connected again");
  session.list = await register(world, session, true);
  if (!session.isOpen) return;
  session.state = "live";
  session.write({
    t: "welcome",
    user: session.user,
    device: session.device,
    session: session.id,
    ...issueTicket(world, session),
    heartbeatMs: config.heartbeatMs,
    limits: {
      frameBytes: config.frameBytesMax,
      bodyBytes: config.bodyBytesMax,
      messagesPerSecond: config.messagesPerSecond,
    },
    serverTime: clock.now(),
    traceId,
  });
  if (session.missed) session.write({ t: "gap" });
}

async function identify({ tokens, tickets, revocations, clock }: World, hello: Hello): Promise<Identity> {
  if (hello.token !== undefined) return tokens.verify(hello.token);
  const identity = tickets.verify(hello.ticket ?? "", hello.device, clock.now());
  revocations.refuse(identity);
  return identity;
}

/** A fresh ticket for this session's identity; remembers when it has to be replaced. */
export function issueTicket(
  { tickets, clock }: World,
  session: Session,
): { ticket: string; ticketExpiresAt: number } {
  if (session.identity === undefined) throw new Error("a ticket is for who is authenticated");
  const now = clock.now();
  const issued = tickets.issue({ ...session.identity, device: session.device }, now);
  session.ticketIssuedAt = now;
  session.ticketExpiresAt = issued.ticketExpiresAt;
  return issued;
}

/**
 * Says in Redis where this device is, and returns its list as of then if its sync waits for the welcome.
 * While Redis is away the session waits for the keeper to register it.
 */
export async function register(
  world: World,
  session: Session,
  isHello = false,
): Promise<ReadList | undefined> {
  const { presence, config, telemetry } = world;
  if (!presence.ready) return undefined;
  const { user, device, id, bornAt, helloAt } = session;
  try {
    const { birth, displaced, crowdedOut, list } = await presence.register({
      user,
      device,
      connector: config.instance,
      session: id,
      birth: bornAt,
      ageMs: () => (isHello ? undefined : systemClock.monotonic() - helloAt),
      isSyncing: () => session.early?.some(({ frame }) => frame.t === "sync") ?? false,
    });
    session.registered = true;
    session.bornAt = birth;
    if (displaced === "younger") session.close(CLOSE.replaced, "this device connected again elsewhere");
    else if (displaced !== undefined) replace(world, user, device, displaced.connector, displaced.session);
    for (const { device: other, entry } of crowdedOut)
      replace(world, user, other, entry.connector, entry.session);
    if (!session.isOpen) await goodbye(world, session);
    return list;
  } catch (error) {
    session.registered = false;
    telemetry.log.warn({ err: error }, "a session is not registered; the keeper tries again");
    return undefined;
  }
}

function replace(
  { hub, nats, names, config }: World,
  user: string,
  device: string,
  connector: string,
  id: string,
): void {
  if (connector === config.instance) {
    const held = hub.find(user, device);
    if (held?.id === id) held.close(CLOSE.replaced, "this device connected again");
    return;
  }
  nats.publish(
    names.replace(connector),
    encodeInner({ v: 1, user, device, session: id } satisfies Replacement),
  );
}

/** Takes a closed session out of Redis, unless its device is somewhere else by now. */
export async function goodbye({ presence, telemetry }: World, session: Session): Promise<void> {
  if (!session.registered || !presence.ready) return;
  session.registered = false;
  try {
    await presence.unregister(session.user, session.device, session.id);
  } catch (error) {
    telemetry.log.debug({ err: error }, "a closed session is still in Redis; routers find nobody behind it");
  }
}

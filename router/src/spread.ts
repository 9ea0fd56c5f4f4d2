import type { EffectUnit } from "./effect-unit.ts";
import type { ConnectorUnit } from "./parcels.ts";
import type { MissedEntry } from "@jichat/protocol/bus/push.ts";

/** Recipients by the connector that holds their sessions, and recipients without a session. */
interface Placed {
  readonly users: ReadonlyMap<string, readonly string[]>;
  readonly absent: readonly string[];
}

/**
 * Makes one delivery per connector that holds a session of a recipient. The other recipients have missed a
 * message.
 */
export function spread(
  unit: EffectUnit,
  online: ReadonlyMap<string, readonly string[]>,
): { outgoing: Map<string, ConnectorUnit>; missed: MissedEntry[] } {
  const outgoing = new Map<string, ConnectorUnit>();
  const missed: MissedEntry[] = [];
  const outgoingTo = (connector: string): ConnectorUnit => {
    const known = outgoing.get(connector);
    if (known !== undefined) return known;
    const made: ConnectorUnit = { events: [], notices: [], gaps: [] };
    outgoing.set(connector, made);
    return made;
  };
  // Events for the same users share one array of recipients (`EventEffect`). They should share these arrays
  // too.
  const placed = new Map<readonly string[], Placed>();
  const place = (recipients: readonly string[]): Placed => {
    const known = placed.get(recipients);
    if (known !== undefined) return known;
    const made = placeOf(recipients, online);
    placed.set(recipients, made);
    return made;
  };
  for (const { delivered, recipients, conversation, seq, author } of unit.events) {
    const { users: byConnector, absent } = place(recipients);
    for (const [connector, users] of byConnector)
      outgoingTo(connector).events.push({ conversation, seq, ...delivered, users });
    if (author !== undefined)
      for (const user of absent) if (user !== author) missed.push({ user, conversation, seq });
  }
  for (const [conversation, { head, recipients }] of unit.gaps) {
    for (const [connector, users] of place(recipients).users)
      outgoingTo(connector).gaps.push({ conversation, users, head });
  }
  if (unit.toSync.size > 0)
    for (const [connector, users] of placeOf([...unit.toSync], online).users)
      outgoingTo(connector).gaps.push({ users });
  for (const notice of unit.notices)
    for (const [connector, users] of place(notice.users).users)
      outgoingTo(connector).notices.push({ ...notice, users });
  return { outgoing, missed };
}

function placeOf(recipients: readonly string[], online: ReadonlyMap<string, readonly string[]>): Placed {
  const users = new Map<string, string[]>();
  const absent: string[] = [];
  for (const user of recipients) {
    const connectors = online.get(user) ?? [];
    if (connectors.length === 0) absent.push(user);
    for (const connector of connectors) {
      const there = users.get(connector);
      if (there === undefined) users.set(connector, [user]);
      else there.push(user);
    }
  }
  return { users, absent };
}

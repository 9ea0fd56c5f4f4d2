import type { EffectUnit } from "./effect-unit.ts";
import type { ConnectorUnit } from "./parcels.ts";

/** Recipients by the connector that holds their sessions. */
type Placed = ReadonlyMap<string, readonly string[]>;

/** Makes one delivery per connector that holds a session of a recipient. */
export function spread(
  unit: EffectUnit,
  online: ReadonlyMap<string, readonly string[]>,
): Map<string, ConnectorUnit> {
  const outgoing = new Map<string, ConnectorUnit>();
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
  for (const { delivered, recipients, conversation, seq } of unit.events) {
    for (const [connector, users] of place(recipients))
      outgoingTo(connector).events.push({ conversation, seq, ...delivered, users });
  }
  for (const [conversation, { head, recipients }] of unit.gaps) {
    for (const [connector, users] of place(recipients))
      outgoingTo(connector).gaps.push({ conversation, users, head });
  }
  if (unit.toSync.size > 0)
    for (const [connector, users] of placeOf([...unit.toSync], online))
      outgoingTo(connector).gaps.push({ users });
  for (const notice of unit.notices)
    for (const [connector, users] of place(notice.users))
      outgoingTo(connector).notices.push({ ...notice, users });
  return outgoing;
}

function placeOf(recipients: readonly string[], online: ReadonlyMap<string, readonly string[]>): Placed {
  const users = new Map<string, string[]>();
  for (const user of recipients)
    for (const connector of online.get(user) ?? []) {
      const there = users.get(connector);
      if (there === undefined) users.set(connector, [user]);
      else there.push(user);
    }
  return users;
}

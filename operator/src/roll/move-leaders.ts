import type { NatsConnection } from "@nats-io/transport-node";
import { withConnection } from "../ask-log.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { doorOf } from "../door.ts";
import type { NatsDoors } from "./ask-servers.ts";
import type { Answer } from "./jetstream.ts";
import { ask, streamNames } from "./jetstream.ts";
import type { GroupSaid } from "./levels.ts";

/** Makes the leader of each stream on `server` give way to another copy. Returns how many streams moved. */
async function moveLeadersOff(nats: NatsConnection, server: string): Promise<number> {
  type Info = Answer & { readonly cluster?: GroupSaid };
  const names = await streamNames(nats);
  const moved = await Promise.all(
    names.map(async (stream) => {
      const { cluster } = await ask<Info>(nats, `STREAM.INFO.${stream}`);
      // Without another copy there is nobody to give way to.
      if (cluster?.leader !== server || (cluster.replicas ?? []).length === 0) return 0;
      await ask(nats, `STREAM.LEADER.STEPDOWN.${stream}`);
      return 1;
    }),
  );
  return moved.reduce<number>((sum, one) => sum + one, 0);
}

/** The same over a connection of its own. */
export async function moveLeaders(
  input: DesiredInput,
  server: string,
  doors: NatsDoors = (user) => doorOf(input, "nats", user),
): Promise<void> {
  const door = doors("operator");
  if (door === undefined) throw new Error("NATS has no address");
  await withConnection(door, async (nats) => moveLeadersOff(nats, server));
}

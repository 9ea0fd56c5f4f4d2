import { invariant } from "@jichat/protocol/assert.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { raiseLevel } from "@jichat/log/layout.ts";
import { withNats } from "./ask-log.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { clusterNameOf } from "./desired/names.ts";
import { doorOf } from "./door.ts";
import { no } from "./kube/conditions.ts";
import { messageOf } from "./kube/errors.ts";
import type { LevelFacts, LevelSeen } from "./level.ts";
import { levelWay, withLevel } from "./level.ts";

/** Writes the level. Resolves with the level that then counts. */
export type RaiseLevel = (input: DesiredInput, to: number) => Promise<number>;

export const raiseOverNats: RaiseLevel = async (input, to) => {
  const door = doorOf(input, "nats", "operator");
  if (door === undefined) throw new Error("there is no NATS to write the level to");
  return withNats(door, async (_, nats) => raiseLevel(nats, namesOf(clusterNameOf(input.cluster)), to));
};

/**
 * Raises the level if that is allowed. It runs inside the pass, so that no other pass can bring an older
 * version back between the check and the write.
 */
export async function raiseWhereItMay(facts: LevelFacts, raise: RaiseLevel): Promise<LevelSeen> {
  const way = levelWay(facts);
  if (!("to" in way)) return way;
  let level: number;
  try {
    level = await raise(facts.input, way.to);
  } catch (error) {
    return { finding: no("RaiseFailed", `level ${way.to} could not be written: ${messageOf(error)}`) };
  }
  const after = levelWay({ ...facts, backends: withLevel(facts.backends, level) });
  invariant(!("to" in after), "a level that was raised is as high as was asked");
  return after;
}

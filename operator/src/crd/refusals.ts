import { quantityOf } from "../kube/apply.ts";
import type { Ground } from "./ground.ts";
import type { Rule } from "./kinds.ts";

/**
 * A change that would lose data. The API server refuses it at apply with `rule`. The operator refuses it with
 * `allows`, if an older CRD let it through.
 */
export interface Refusal extends Rule {
  readonly allows: (before: Ground, now: Ground) => boolean;
}

type Volume = Ground["nats"] | Ground["clickhouse"];

/**
 * Avoids `string()`: the API server knows no bound for its result, and would reject the rule as too
 * expensive.
 */
const bytes = (size: string): string =>
  `(type(${size}) == int ? double(${size}) : quantity(${size}).asApproximateFloat())`;
const holdsAsMuch = (before: Volume, now: Volume): boolean =>
  before.kind !== now.kind || (quantityOf(now.size) ?? 0) >= (quantityOf(before.size) ?? 0);
const hasItsClass = (before: Volume, now: Volume): boolean =>
  before.kind !== now.kind || before.className === now.className;

/** Every refused change, with the cure. */
export const REFUSALS = {
  partitions: {
    rule: "self == oldSelf",
    message:
      "partitions cannot change: it is part of where every conversation stands. Make another ChatCluster with the number you want",
    allows: (before, now) => before.partitions === now.partitions,
  },
  natsServers: {
    rule: "self == oldSelf",
    message:
      "nats.managed.replicas cannot change: a server that joins or leaves a cluster drops the logs that it has. Set it back; for another number make another ChatCluster, or use nats.external",
    allows: ({ nats: before }, { nats: now }) =>
      before.kind !== "managed" || now.kind !== "managed" || before.servers === now.servers,
  },
  nats: {
    rule: "has(self.managed) == has(oldSelf.managed)",
    message:
      "nats cannot move between managed and external: the log would stay behind. Set it back, or make another ChatCluster",
    allows: ({ nats: before }, { nats: now }) => before.kind === now.kind,
  },
  clickhouse: {
    rule: "has(self.managed) == has(oldSelf.managed) && has(self.embedded) == has(oldSelf.embedded)",
    message:
      "clickhouse cannot move between managed, external and embedded: the history would stay behind. Set it back, or make another ChatCluster and move the data with ClickHouse's own backup",
    allows: ({ clickhouse: before }, { clickhouse: now }) => before.kind === now.kind,
  },
  volumeSize: {
    rule: `${bytes("self.size")} >= ${bytes("oldSelf.size")}`,
    message:
      "a volume cannot shrink: Kubernetes only makes volumes larger. Set storage.size back to what it was, or to more",
    allows: (before, now) =>
      holdsAsMuch(before.nats, now.nats) && holdsAsMuch(before.clickhouse, now.clickhouse),
  },
  volumeClass: {
    rule: "has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",
    message:
      "storage.className cannot change: a volume stays in the class that it was made in. Set it back, or make another ChatCluster",
    allows: (before, now) =>
      hasItsClass(before.nats, now.nats) && hasItsClass(before.clickhouse, now.clickhouse),
  },
} as const satisfies Record<string, Refusal>;

export type RefusalName = keyof typeof REFUSALS;

/** The rule in the form for the API server. */
export const ruleOf = (name: RefusalName): Rule => {
  const { rule, message } = REFUSALS[name];
  return { rule, message };
};

/** The message of the first change that would lose data; undefined if there is none. */
export const refusedChange = (before: Ground, now: Ground): string | undefined =>
  Object.values(REFUSALS).find(({ allows }) => !allows(before, now))?.message;

import type { Component } from "./desired/names.ts";
import { COMPONENTS } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { wantedReplicas } from "./desired/workloads.ts";
import type { Counted, Observed } from "./observed.ts";
import { countOf } from "./observed.ts";

interface Told {
  readonly input: DesiredInput;
  readonly observed: Observed;
}

export type ComponentCounts = Readonly<Record<Component, Counted>>;

function counted({ input, observed }: Told, component: Component): Counted {
  const all = observed.ofKind("Deployment", component).map(countOf);
  const sum = (of: (count: Counted) => number): number => all.reduce((total, count) => total + of(count), 0);
  const wanted = wantedReplicas(input, component);
  // Connectors may have several revisions. They are settled when all of their pods are of the wanted
  // revision.
  const isSettled =
    all.length > 0 && all.every((count) => count.isSettled) && sum((count) => count.wanted) === wanted;
  const isSeen = all.every((count) => count.isSeen);
  return {
    wanted,
    ready: sum((count) => count.ready),
    updated: sum((count) => count.updated),
    isSeen,
    isSettled,
  };
}

/** The wanted, ready and updated pods of each component. */
export const countsOf = (told: Told): ComponentCounts =>
  Object.fromEntries(COMPONENTS.map((name) => [name, counted(told, name)])) as ComponentCounts;

/** The counts as people read them: `router 1/2`. */
export const tell = (counts: ComponentCounts, names: readonly Component[]): string =>
  names.map((name) => `${name} ${counts[name].ready}/${counts[name].wanted}`).join(", ");

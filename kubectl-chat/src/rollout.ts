import type { Kubectl } from "./kubectl.ts";
import { Refusal } from "./kubectl.ts";

interface Target {
  readonly version: string;
  readonly revision: string;
}

/** The part of the status that says where a rollout stands. */
export interface RolloutTold {
  readonly phase: string;
  readonly from: Target;
  readonly to: Target;
  readonly startedAt: string;
  readonly phaseSince: string;
  readonly isPromoted?: boolean;
  readonly blockedBy: readonly { readonly gate: string; readonly message: string }[];
  readonly message: string;
  readonly failed?: Target & { readonly reason: string; readonly at: string };
}

interface Asked {
  readonly name: string;
  readonly kubectl: Pick<Kubectl, "ask" | "read">;
}

const PROMOTE = "chat.jichat.io/promote";
const ROLLBACK = "chat.jichat.io/rollback";

const named = ({ version, revision }: Target): string => `${version} (${revision})`;

const PHASES: Readonly<Record<string, string>> = {
  Preflight: "is checked before it begins",
  Migrating: "waits for the schema",
  Canary: "proves itself on a canary",
  Waiting: "waits",
  Backends: "replaces routers, storage, api and push workers",
  Connectors: "moves devices to new connectors",
  Soaking: "soaks",
  Done: "is done",
  RollingBack: "is being taken back",
  RolledBack: "was taken back",
};

/** Where the rollout stands, and what it waits for. Nothing if none is under way and none has failed. */
export function rolloutLines(name: string, rollout: RolloutTold | undefined): readonly string[] {
  if (rollout === undefined) return [];
  const { phase, from, to, startedAt, phaseSince, blockedBy, message, failed } = rollout;
  const isBack = phase === "RollingBack" || phase === "RolledBack";
  if (phase === "Done") return [];
  const way = `Rollout of ${named(from)} to ${named(to)}, since ${startedAt}`;
  const about = isBack || message === "" ? "" : `: ${message}`;
  return [
    `${way}: ${phase}: ${PHASES[phase] ?? phase}, since ${phaseSince}${about}`,
    ...blockedBy.map(({ gate, message: why }) => `  blocked by ${gate}: ${why}`),
    ...(failed === undefined ? [] : [`  ${named(failed)} failed at ${failed.at}: ${failed.reason}`]),
    ...(phase === "RolledBack"
      ? [`  it is tried again once the spec changes, or by \`kubectl chat promote ${name}\``]
      : []),
  ];
}

async function rolloutOf({ kubectl, name }: Asked): Promise<RolloutTold | undefined> {
  const { status } = await kubectl.read<{ readonly status?: { readonly rollout?: RolloutTold } }>([
    "get",
    "chat",
    name,
  ]);
  return status?.rollout;
}

/** The word names the revision that the person saw, so it never counts for a later one. */
async function say({ kubectl, name }: Asked, annotation: string, revision: string): Promise<void> {
  await kubectl.ask(["annotate", "chat", name, `${annotation}=${revision}`, "--overwrite"]);
}

const nothing = (rollout: RolloutTold | undefined): string =>
  rollout === undefined || rollout.phase === "Done"
    ? "no rollout is under way"
    : `${named(rollout.to)} ${PHASES[rollout.phase] ?? rollout.phase}`;

const LATE = new Set(["Backends", "Connectors", "Soaking"]);

/** Lets a rollout go on that waits for a person, or tries again what was taken back. */
export async function promote(asked: Asked): Promise<string> {
  const rollout = await rolloutOf(asked);
  if (rollout === undefined || rollout.phase === "Done" || rollout.phase === "RollingBack")
    throw new Refusal(`there is nothing to promote in ${asked.name}: ${nothing(rollout)}`);
  const { phase, to, isPromoted } = rollout;
  if (LATE.has(phase) || isPromoted === true)
    throw new Refusal(
      `there is nothing to promote in ${asked.name}: ${named(to)} goes on already, and is in phase ${phase}`,
    );
  await say(asked, PROMOTE, to.revision);
  return phase === "RolledBack"
    ? `${named(to)} is tried again, from its canary on\n`
    : `${named(to)} goes on as soon as its canary is proven\n`;
}

/** Takes back what is being rolled out. What is done is taken back by the spec. */
export async function rollback(asked: Asked): Promise<string> {
  const rollout = await rolloutOf(asked);
  if (rollout === undefined || rollout.phase === "Done")
    throw new Refusal(
      `there is nothing to roll back in ${asked.name}: no rollout is under way. To go back to what served before, put the spec back`,
    );
  if (rollout.phase === "RollingBack" || rollout.phase === "RolledBack")
    throw new Refusal(
      `there is nothing to roll back in ${asked.name}: ${named(rollout.to)} ${PHASES[rollout.phase]}`,
    );
  await say(asked, ROLLBACK, rollout.to.revision);
  return `${named(rollout.to)} is taken back, and ${named(rollout.from)} serves again: \`kubectl chat status ${asked.name}\` shows how far that is\n`;
}

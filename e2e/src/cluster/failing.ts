import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { Chat, Condition } from "./chat.ts";
import { read } from "./kubectl.ts";

/** A condition that should report a failure. */
export interface Told {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: RegExp;
}

export interface Failure {
  /** Causes the failure. */
  readonly fail: () => Promise<void>;
  /** The conditions that must report it. The first is reported by an Event too. */
  readonly told: readonly Told[];
  /** Further checks while the failure lasts. */
  readonly meanwhile?: () => Promise<void>;
  readonly cure: () => Promise<void>;
}

const TOLD_MS = 30_000;
const KEPT_MS = 90_000;
const HEALED_MS = 120_000;

interface Event {
  readonly reason: string;
  readonly message: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

const isTold = (condition: Condition, { type, status, reason, message }: Told): boolean =>
  condition.type === type &&
  condition.status === status &&
  condition.reason === reason &&
  message.test(condition.message);

/** Waits until the conditions report it for the present spec. Resolves with the seconds that it took. */
async function untilTold(chat: Chat, wanted: readonly Told[], ms: number): Promise<number> {
  const started = performance.now();
  let last = "";
  try {
    await until(`${chat.name} says ${wanted.map(({ reason }) => reason).join(", ")}`, ms, async () => {
      const { metadata, status } = await chat.read();
      const { conditions = [] } = status ?? {};
      last = JSON.stringify(conditions.filter(({ type }) => wanted.some((one) => one.type === type)));
      const isAll = wanted.every((one) => conditions.some((condition) => isTold(condition, one)));
      const isCurrent = conditions.every(
        ({ observedGeneration }) => observedGeneration === metadata.generation,
      );
      return isAll && isCurrent ? true : undefined;
    });
  } catch (error) {
    throw new Error(`${String(error)}; last seen ${last}`, { cause: error });
  }
  return (performance.now() - started) / 1_000;
}

/** Waits for an Event that reports it about the ChatCluster, at `since` (milliseconds) or later. */
async function eventTold(chat: Chat, { reason, message }: Told, since: number): Promise<void> {
  await until(`an Event of ${chat.name} says ${reason}`, TOLD_MS, async () => {
    const { items } = await read<{ readonly items: readonly Event[] }>([
      "-n",
      chat.namespace,
      "get",
      "events",
      `--field-selector=involvedObject.name=${chat.name},reason=${reason}`,
    ]);
    // Events have whole seconds, in one of two fields.
    const whenOf = ({ eventTime, lastTimestamp }: Event): number =>
      Date.parse(eventTime ?? lastTimestamp ?? "") || 0;
    return items.some((event) => message.test(event.message) && whenOf(event) >= since - 1_000)
      ? true
      : undefined;
  });
}

/** Checks that the rest goes on: a lost router is replaced, and another one can be added. */
async function goesOn(chat: Chat): Promise<void> {
  const [lost] = await chat.pods("router");
  assert.ok(lost !== undefined, "there is a router");
  await chat.ask(["delete", "pod", lost.metadata.name, "--wait=false"]);
  await chat.patch({ routers: { replicas: 2 } });
  await until("two routers, neither of them the one that was lost", KEPT_MS, async () => {
    const ready = (await chat.pods("router")).filter(
      ({ metadata, status }) =>
        metadata.uid !== lost.metadata.uid &&
        metadata.deletionTimestamp === undefined &&
        status.containerStatuses?.every((one) => one.ready) === true,
    );
    return ready.length === 2 ? true : undefined;
  });
}

/**
 * Plays a failure of a ChatCluster. It is reported within 30 s, everything else goes on, the report stays,
 * and after the cure the ChatCluster is healthy again.
 */
export async function fails(t: TestContext, chat: Chat, failure: Failure): Promise<void> {
  const { fail, told, meanwhile, cure } = failure;
  const since = Date.now();
  try {
    await fail();
    t.diagnostic(`told after ${(await untilTold(chat, told, TOLD_MS)).toFixed(1)} s`);
    const [first] = told;
    assert.ok(first !== undefined);
    await eventTold(chat, first, since);
    await goesOn(chat);
    await meanwhile?.();
    await untilTold(chat, told, TOLD_MS);
  } finally {
    await cure();
  }
  await chat.patch({ routers: { replicas: 1 } });
  t.diagnostic(`settled ${(await chat.settled(HEALED_MS)).toFixed(1)} s after the cure`);
  await chat.until("Reconciled", "True", TOLD_MS);
  await chat.until("Degraded", "False", TOLD_MS);
}

export const REFUSED_BY_API = (message: RegExp): readonly Told[] => [
  { type: "Reconciled", status: "False", reason: "ApplyRefused", message },
  { type: "Degraded", status: "True", reason: "ApplyRefused", message },
];

/** What the spec says about the number of connectors. */
export interface ScaleSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly connectionsPerPod: number;
  readonly messagesPerSecondPerPod?: number | undefined;
  readonly eventLoopLagMs?: number | undefined;
  readonly stabilisationMs: number;
  readonly pauseScaleIn: boolean;
  readonly pauseScaleOut: boolean;
}

/** What one running connector reports. A number is undefined if it does not report it. */
export interface Load {
  readonly connections: number | undefined;
  readonly messagesPerSecond: number | undefined;
  readonly eventLoopLagMs: number | undefined;
}

export interface ScaleFacts {
  /** Time of day, in ms. */
  readonly now: number;
  readonly spec: ScaleSpec;
  /** The connectors that are wanted at present. */
  readonly present: number;
  /** Of each connector whose container runs: one that is not ready may have devices too. */
  readonly loads: readonly Load[];
  /** Devices are on their way from one connector to another: what pods carry is about to change. */
  readonly isMoving: boolean;
  readonly before: ScaleMemory;
}

/** What is kept in the status from one decision to the next. Times are times of day in ms. */
export interface ScaleMemory {
  readonly lastScaleAt?: number;
  /** Fewer have been enough since then, and this many at most. */
  readonly lowSince?: number;
  readonly lowNeed?: number;
  /** Some connector has not reported its load since then. */
  readonly missingSince?: number;
}

export type ScaleReason =
  | "Enough"
  | "Connections"
  | "Messages"
  | "EventLoopLag"
  | "Bounds"
  | "Stabilising"
  | "Draining"
  | "MetricsMissing"
  | "ScaleInPaused"
  | "ScaleOutPaused"
  | "FewerNeeded";

export interface ScaleDecision {
  readonly desired: number;
  readonly reason: ScaleReason;
  readonly message: string;
  readonly memory: ScaleMemory;
}

/** Fewer are enough only if each would then carry less than this share of its target: nothing flaps. */
const SLACK = 0.9;
/** What was needed before loads were not known for this long says nothing any more. */
const MISSING_MAX_MS = 30_000;
/** One more connector for lag; whether it helped is known only after this time. */
const LAG_AGAIN_MS = 60_000;

interface Need {
  readonly pods: number;
  readonly reason: ScaleReason;
  readonly message: string;
}

const sumOf = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

const needFor = (
  load: number,
  perPod: number,
  told: { readonly reason: ScaleReason; readonly what: string },
): Need => ({
  pods: Math.ceil(load / perPod),
  reason: told.reason,
  message: `${Math.round(load)} ${told.what}, ${Math.round(perPod)} on each connector`,
});

/** The connectors that each measure asks for. What pods do not report counts as nothing here. */
function needsOf({ spec, loads, now, present, before }: ScaleFacts, slack: number): readonly Need[] {
  const { connectionsPerPod, messagesPerSecondPerPod, eventLoopLagMs } = spec;
  const connections = sumOf(loads.map((load) => load.connections));
  const messages = sumOf(loads.map((load) => load.messagesPerSecond));
  const lag = Math.max(0, ...loads.map((load) => load.eventLoopLagMs ?? 0));
  const isAgain = Math.abs(now - (before.lastScaleAt ?? Number.NEGATIVE_INFINITY)) >= LAG_AGAIN_MS;
  const isLate = eventLoopLagMs !== undefined && lag > eventLoopLagMs * slack;
  return [
    needFor(connections, connectionsPerPod * slack, { reason: "Connections", what: "connections" }),
    ...(messagesPerSecondPerPod === undefined
      ? []
      : [
          needFor(messages, messagesPerSecondPerPod * slack, {
            reason: "Messages",
            what: "messages a second",
          }),
        ]),
    ...(isLate
      ? [
          {
            pods: present + (isAgain && lag > eventLoopLagMs ? 1 : 0),
            reason: "EventLoopLag" as const,
            message: `an event loop lags by ${Math.round(lag)} ms, and ${eventLoopLagMs} ms is the limit`,
          },
        ]
      : []),
  ];
}

const most = (needs: readonly Need[]): Need =>
  needs.reduce((a, b) => (b.pods > a.pods ? b : a), { pods: 0, reason: "Enough", message: "no load" });

const isMissing = ({ spec, loads }: ScaleFacts): boolean =>
  loads.length === 0 ||
  loads.some(
    (load) =>
      load.connections === undefined ||
      (spec.messagesPerSecondPerPod !== undefined && load.messagesPerSecond === undefined) ||
      (spec.eventLoopLagMs !== undefined && load.eventLoopLagMs === undefined),
  );

/** Why fewer connectors are not taken now, although they would be enough; undefined if they are. */
function heldBy(facts: ScaleFacts, lowSince: number): readonly [ScaleReason, string] | undefined {
  const { spec, now } = facts;
  if (spec.pauseScaleIn) return ["ScaleInPaused", "pauseScaleIn is set"];
  if (facts.isMoving) return ["Draining", "devices are moving from one connector to another"];
  if (now - lowSince < spec.stabilisationMs)
    return ["Stabilising", `fewer connectors have to be enough for ${spec.stabilisationMs / 1_000} s`];
  return undefined;
}

/** Since when fewer have been enough, and how many. A time that lies ahead is of a clock that was wrong. */
function lowOf({ before, now }: ScaleFacts, fewer: number): { lowSince: number; lowNeed: number } {
  const { lowSince, lowNeed = 0, missingSince = now } = before;
  const wasBlind = Math.abs(now - missingSince) > MISSING_MAX_MS;
  if (lowSince === undefined || lowSince > now || wasBlind) return { lowSince: now, lowNeed: fewer };
  return { lowSince, lowNeed: Math.max(fewer, lowNeed) };
}

/**
 * How many connectors there shall be. More are taken at once, by whatever asks for most. Fewer are taken only
 * if they were enough for all of the stabilisation time, and then as many as were needed most in that time.
 * What is not reported is never taken as a reason for fewer.
 */
export function scaleOf(facts: ScaleFacts): ScaleDecision {
  const { spec, present, now, before } = facts;
  const { minReplicas: min, maxReplicas: max } = spec;
  const within = (pods: number): number => Math.min(max, Math.max(min, pods));
  const { lastScaleAt } = before;
  const kept: ScaleMemory = lastScaleAt === undefined ? {} : { lastScaleAt };
  const stay = (reason: ScaleReason, message: string, memory = kept): ScaleDecision => ({
    desired: present,
    reason,
    message,
    memory,
  });
  const to = (desired: number, reason: ScaleReason, message: string): ScaleDecision => ({
    desired,
    reason,
    message,
    memory: { lastScaleAt: now },
  });
  if (within(present) !== present)
    return to(within(present), "Bounds", `minReplicas is ${min} and maxReplicas is ${max}`);
  const need = most(needsOf(facts, 1));
  if (need.pods > present) {
    if (present === max) return stay(need.reason, `${need.message}; maxReplicas is ${max}`);
    if (spec.pauseScaleOut) return stay("ScaleOutPaused", `${need.message}; pauseScaleOut is set`);
    return to(within(need.pods), need.reason, need.message);
  }
  if (isMissing(facts))
    return stay("MetricsMissing", "not every connector reports its load", { missingSince: now, ...before });
  const low = most(needsOf(facts, SLACK));
  const fewer = within(low.pods);
  if (fewer >= present) return stay("Enough", need.message);
  const { lowSince, lowNeed } = lowOf(facts, fewer);
  const held = heldBy(facts, lowSince);
  if (held === undefined && lowNeed < present) return to(lowNeed, "FewerNeeded", low.message);
  const [reason, why] = held ?? ["Stabilising", "more were needed a moment ago"];
  return stay(reason, why, lowNeed < present ? { ...kept, lowSince, lowNeed } : kept);
}

/** A connector carries too much beyond this many times its fair share. */
const OVERFULL = 1.2;
/** Fewer than these are not worth a move. */
const SHED_MIN = 10;

/**
 * The devices that each connector sends to the others after a new one came, by the connector's name: all
 * that is beyond its fair share, of those that carry over 1.2 times that.
 */
export function shedsOf(
  pods: readonly { readonly name: string; readonly connections: number | undefined }[],
): ReadonlyMap<string, number> {
  const known = pods.flatMap(({ name, connections }) =>
    connections === undefined ? [] : [{ name, connections }],
  );
  if (known.length < pods.length || pods.length < 2) return new Map();
  const fair = sumOf(known.map(({ connections }) => connections)) / pods.length;
  return new Map(
    known
      .filter(({ connections }) => connections > OVERFULL * fair && connections - fair >= SHED_MIN)
      .map(({ name, connections }) => [name, Math.floor(connections - fair)]),
  );
}

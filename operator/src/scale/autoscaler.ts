/** What a pod reports of its load. */
export type Measure = "connections" | "cpu" | "inbox" | "lag" | "messages";

/** What the spec says about the number of pods of a component. */
export interface ScaleSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** What one pod carries. What is missing here is not judged. */
  readonly perPod: Readonly<Partial<Record<Measure, number>>>;
  readonly stabilisationMs: number;
  readonly pauseScaleIn: boolean;
  readonly pauseScaleOut: boolean;
  /** What people call such a pod, and what is under way while fewer are not taken. */
  readonly pod: string;
  readonly moving: string;
}

/** What one running pod reports. What it does not report is missing. */
export type Load = Readonly<Partial<Record<Measure, number>>>;

export interface ScaleFacts {
  /** Time of day, in ms. */
  readonly now: number;
  readonly spec: ScaleSpec;
  /** The pods that are wanted at present. */
  readonly present: number;
  /** Of each pod whose container runs: one that is not ready may have work too. */
  readonly loads: readonly Load[];
  /** Work is on its way from one pod to another: what pods carry is about to change. */
  readonly isMoving: boolean;
  readonly before: ScaleMemory;
}

/** What is kept in the status from one decision to the next. Times are times of day in ms. */
export interface ScaleMemory {
  readonly lastScaleAt?: number;
  /** Fewer have been enough since then, and this many at most. */
  readonly lowSince?: number;
  readonly lowNeed?: number;
  /** Some pod has not reported its load since then. */
  readonly missingSince?: number;
}

export type ScaleReason =
  | "Enough"
  | "Connections"
  | "Messages"
  | "EventLoopLag"
  | "Cpu"
  | "Inbox"
  | "External"
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
/** One more pod for a limit that is passed; whether it helped is known only after this time. */
const AGAIN_MS = 60_000;

interface Need {
  readonly pods: number;
  readonly reason: ScaleReason;
  readonly message: string;
}

type Told = readonly [reason: ScaleReason, what: string];

/** More pods share these. */
const SHARED: Readonly<Partial<Record<Measure, Told>>> = {
  connections: ["Connections", "connections"],
  messages: ["Messages", "messages a second"],
  cpu: ["Cpu", "millicores"],
};

/** Another pod may help with these, and nobody knows by how much. */
const LIMITS: Readonly<Partial<Record<Measure, Told>>> = {
  lag: ["EventLoopLag", "ms that an event loop is late"],
  inbox: ["Inbox", "requests that wait"],
};

/** The pods that one measure asks for. What pods do not report counts as nothing here. */
function needOf(measure: Measure, { spec, loads, now, present, before }: ScaleFacts, slack: number): Need {
  const perPod = spec.perPod[measure] ?? Number.POSITIVE_INFINITY;
  const all = loads.map((load) => load[measure] ?? 0);
  const shared = SHARED[measure];
  if (shared !== undefined) {
    const [reason, what] = shared;
    const sum = all.reduce((total, value) => total + value, 0);
    const message = `${Math.round(sum)} ${what}, and ${perPod} for each ${spec.pod}`;
    return { pods: Math.ceil(sum / (perPod * slack)), reason, message };
  }
  const [reason, what] = LIMITS[measure] ?? ["Enough", measure];
  const worst = Math.max(0, ...all);
  const message = `${Math.round(worst)} ${what}, and ${perPod} is the limit`;
  if (worst <= perPod * slack) return { pods: 0, reason, message };
  const isLong = Math.abs(now - (before.lastScaleAt ?? Number.NEGATIVE_INFINITY)) >= AGAIN_MS;
  // The one before has to run: no number of pods that wait for a node helps.
  const isAgain = isLong && loads.length >= present;
  return { pods: present + (isAgain && worst > perPod ? 1 : 0), reason, message };
}

const measuresOf = ({ perPod }: ScaleSpec): readonly Measure[] => Object.keys(perPod) as Measure[];

const needsOf = (facts: ScaleFacts, slack: number): readonly Need[] =>
  measuresOf(facts.spec).map((measure) => needOf(measure, facts, slack));

const most = (needs: readonly Need[]): Need =>
  needs.reduce((a, b) => (b.pods > a.pods ? b : a), { pods: 0, reason: "Enough", message: "no load" });

const isMissing = ({ spec, loads }: ScaleFacts): boolean =>
  loads.length === 0 || loads.some((load) => measuresOf(spec).some((measure) => load[measure] === undefined));

/** Why fewer are not taken now, although they would be enough; undefined if they are. */
function heldBy(facts: ScaleFacts, lowSince: number): readonly [ScaleReason, string] | undefined {
  const { spec, now } = facts;
  if (spec.pauseScaleIn) return ["ScaleInPaused", "pauseScaleIn is set"];
  if (facts.isMoving) return ["Draining", spec.moving];
  if (now - lowSince < spec.stabilisationMs)
    return ["Stabilising", `fewer have to be enough for ${spec.stabilisationMs / 1_000} s`];
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
 * How many pods of a component there shall be. More are taken at once, by whatever asks for most. Fewer are
 * taken only if they were enough for all of the stabilisation time, and then as many as were needed most in
 * that time. What is not reported is never taken as a reason for fewer.
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
    return stay("MetricsMissing", `not every ${spec.pod} reports its load`, { missingSince: now, ...before });
  const low = most(needsOf(facts, SLACK));
  const fewer = within(low.pods);
  if (fewer >= present) return stay("Enough", need.message);
  const { lowSince, lowNeed } = lowOf(facts, fewer);
  const held = heldBy(facts, lowSince);
  if (held === undefined && lowNeed < present) return to(lowNeed, "FewerNeeded", low.message);
  const [reason, why] = held ?? ["Stabilising", "more were needed a moment ago"];
  return stay(reason, why, lowNeed < present ? { ...kept, lowSince, lowNeed } : kept);
}

/** The number that somebody else chose, within the bounds. */
export function boundedOf(
  { minReplicas: min, maxReplicas: max }: Pick<ScaleSpec, "maxReplicas" | "minReplicas">,
  asked: number,
): ScaleDecision {
  const desired = Math.min(max, Math.max(min, asked));
  if (desired === asked) return { desired, reason: "External", message: "replicas says so", memory: {} };
  const message = `replicas is ${asked}; minReplicas is ${min} and maxReplicas is ${max}`;
  return { desired, reason: "Bounds", message, memory: {} };
}

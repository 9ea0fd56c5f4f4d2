/** What holds a rollout, in the order in which people read it. */
export const GATES = [
  "NewPodsReady",
  "ReconnectSuccess",
  "ReconnectRate",
  "ErrorRate",
  "StorageLag",
  "NoOtherDrain",
] as const;
export type Gate = (typeof GATES)[number];

/** A gate that is closed, and why. The messages have rounded numbers: a status that has them keeps still. */
export interface Blocked {
  readonly gate: string;
  readonly message: string;
}

/** What is not known has a reason, which names who did not say it. */
export type Known<T> = T | { readonly unknown: string };

/** What some connectors did within the window that was looked at. */
export interface Did {
  readonly seconds: number;
  /** Devices that said hello, and those of them that were welcomed. */
  readonly hellos: number;
  /** Undefined if these connectors are of a version that does not count it. */
  readonly welcomes: number | undefined;
  /** Devices that were told to go elsewhere. */
  readonly moved: number;
  readonly frames: number;
  /** Frames that were answered with an error that no right client gets in a healthy cluster. */
  readonly errors: number;
}

/** What all storages say together. */
export interface StorageSeen {
  /** For how long ClickHouse has not taken what waits. */
  readonly unwrittenSeconds: number;
  /** What is consumed and not in ClickHouse yet. */
  readonly tailBytes: number;
  /** Partitions whose log is not received. */
  readonly unheard: number;
}

/** Everything that the gates rest on, at one moment. */
export interface GateFacts {
  /** Connectors of the new revision: how many the present step needs, and how many serve. */
  readonly newPods: { readonly wanted: number; readonly ready: number };
  /** The most devices that may be told to go in one second. */
  readonly perSecond: number;
  /** What connectors of the new revision did. */
  readonly fresh: Known<Did>;
  /** What the others did: the measure for the new ones. */
  readonly old: Known<Did>;
  readonly storage: Known<StorageSeen>;
  /** Who leaves for another reason than the rollout: the pod and why. */
  readonly otherDrains: readonly string[];
}

/** With fewer than that, a share says nothing. */
const FEW = 20;
/** Some devices always come with credentials that have ended, or leave before they are welcomed. */
const WELCOMED_MIN = 0.9;
/** Where more of them fail anyway, new connectors may be that much worse than old ones. */
const WELCOMED_SLACK = 0.05;
/** Devices are told in steps of 250 ms, and a window is cut at any moment. */
const RATE_SLACK = 1.2;
/** So few are chance: one takeover of a partition makes as many. */
const ERRORS_FEW = 5;
/** A healthy cluster answers less than one frame in a hundred with such an error. */
const ERRORS_MAX = 0.01;
/** Twice as many as on old connectors is more than chance where there are enough of them. */
const ERRORS_RATIO = 2;
/** Whoever causes it: with one frame in ten refused it is no time to move devices. */
const ERRORS_ANYWHERE_MAX = 0.1;
/** ClickHouse takes what waits once a second. A merge or a restart of a replica delays it for some. */
const UNWRITTEN_SECONDS_MAX = 10;
/** As the alert JiChatHistoryLags. */
const TAIL_BYTES_MAX = 67_108_864;
const SHOWN = 3;

const isUnknown = <T extends object>(known: Known<T>): known is { readonly unknown: string } =>
  "unknown" in known;

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function newPodsReady({ newPods: { wanted, ready } }: GateFacts): string | undefined {
  return ready >= wanted ? undefined : `${ready} of ${wanted} new connectors are ready`;
}

/** The share of devices that were welcomed; undefined if that cannot be told. */
function welcomed({ hellos, welcomes }: Did): number | undefined {
  return welcomes === undefined || hellos < FEW ? undefined : welcomes / hellos;
}

function reconnectSuccess({ fresh, old }: GateFacts): string | undefined {
  if (isUnknown(fresh)) return fresh.unknown;
  const share = welcomed(fresh);
  if (share === undefined) return undefined;
  const before = isUnknown(old) ? undefined : welcomed(old);
  const min = Math.min(WELCOMED_MIN, (before ?? 1) - WELCOMED_SLACK);
  if (share >= min) return undefined;
  const least = `at least ${percent(min)} have to be`;
  return `of devices that came to new connectors, ${percent(share)} were welcomed: ${least}`;
}

function reconnectRate({ fresh, old, perSecond }: GateFacts): string | undefined {
  if (isUnknown(fresh)) return fresh.unknown;
  if (isUnknown(old)) return old.unknown;
  const rate = [fresh, old].reduce((sum, { moved, seconds }) => sum + (seconds > 0 ? moved / seconds : 0), 0);
  if (rate <= RATE_SLACK * perSecond) return undefined;
  return `connectors tell ${Math.round(rate)} devices a second to go: drain.maxReconnectsPerSecond is ${perSecond}`;
}

/** The share of frames that were answered with an error; undefined if that cannot be told. */
const errorShare = ({ frames, errors }: Did): number | undefined =>
  frames < FEW ? undefined : errors < ERRORS_FEW ? 0 : errors / frames;

function errorRate({ fresh, old }: GateFacts): string | undefined {
  if (isUnknown(fresh)) return fresh.unknown;
  const share = errorShare(fresh);
  const before = isUnknown(old) ? undefined : errorShare(old);
  const max = Math.max(ERRORS_MAX, ERRORS_RATIO * (before ?? 0));
  if (share !== undefined && share > Math.min(max, ERRORS_ANYWHERE_MAX))
    return `new connectors answer ${percent(share)} of frames with an error, and ${before === undefined ? `${percent(ERRORS_MAX)} are allowed` : `others ${percent(before)}`}`;
  if (isUnknown(old)) return old.unknown;
  if (before !== undefined && before > ERRORS_ANYWHERE_MAX)
    return `connectors answer ${percent(before)} of frames with an error: no devices are moved meanwhile`;
  return undefined;
}

function storageLag({ storage }: GateFacts): string | undefined {
  if (isUnknown(storage)) return storage.unknown;
  const { unwrittenSeconds, tailBytes, unheard } = storage;
  if (unheard > 0) return `storage does not receive ${unheard} of its logs`;
  if (unwrittenSeconds > UNWRITTEN_SECONDS_MAX)
    return `ClickHouse has taken nothing of what waits for more than ${UNWRITTEN_SECONDS_MAX} s`;
  if (tailBytes > TAIL_BYTES_MAX)
    return `more than ${TAIL_BYTES_MAX / 1_048_576} MiB are not in ClickHouse yet`;
  return undefined;
}

function noOtherDrain({ otherDrains }: GateFacts): string | undefined {
  if (otherDrains.length === 0) return undefined;
  const more = otherDrains.length - SHOWN;
  const shown = otherDrains.slice(0, SHOWN).join(", ");
  return `others leave at the moment: ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}

const CHECKS: Readonly<Record<Gate, (facts: GateFacts) => string | undefined>> = {
  NewPodsReady: newPodsReady,
  ReconnectSuccess: reconnectSuccess,
  ReconnectRate: reconnectRate,
  ErrorRate: errorRate,
  StorageLag: storageLag,
  NoOtherDrain: noOtherDrain,
};

/** The gates that are closed. What is not known closes a gate, and its message says so. */
export const blockedBy = (facts: GateFacts): readonly Blocked[] =>
  GATES.flatMap((gate) => {
    const message = CHECKS[gate](facts);
    return message === undefined ? [] : [{ gate, message }];
  });

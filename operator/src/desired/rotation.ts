import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import { TICKET_LIFE_MS, TOKEN_LIFE_MS } from "@jichat/protocol/lives.ts";
import type { ChatCluster } from "../crd/definition.ts";
import type { Earlier, Keys, Lives } from "./keys.ts";
import { ORDER, keysOf, newGeneration, publicOf } from "./keys.ts";
import type { Template } from "./template.ts";
import { variablesOf } from "./template.ts";

/**
 * A signing pod may use the earlier key for this long: the kubelet delivers a file within a minute or two,
 * and the pod rereads it within seconds.
 */
const SLACK_MS = 10 * 60_000;
/**
 * The number of earlier keys of a kind. Each forged ticket is checked against all of them, so more are
 * refused.
 */
export const EARLIER_MAX = 100;

/**
 * A life from the component's own variable in the spec. If the variable comes from elsewhere, the longest
 * possible life counts.
 */
function lifeOf(
  template: Template,
  name: string,
  bounds: { readonly default: number; readonly min: number; readonly max: number },
): number {
  const variable = variablesOf([], template).find((one) => one.name === name);
  if (variable === undefined) return bounds.default;
  const value = Number(variable.value ?? NaN);
  return Number.isSafeInteger(value) && value >= bounds.min && value <= bounds.max ? value : bounds.max;
}

/** The lives of the tokens and tickets of this ChatCluster, as its components are configured. */
export const livesOf = ({ spec }: Pick<ChatCluster, "spec">): Lives => ({
  tokenMs: lifeOf(spec.api.template ?? {}, "TOKEN_LIFE_MS", TOKEN_LIFE_MS),
  ticketMs: lifeOf(spec.connectors.template ?? {}, "TICKET_LIFE_MS", TICKET_LIFE_MS),
});

const longer = (a: Lives, b: Lives): Lives => ({
  tokenMs: Math.max(a.tokenMs, b.tokenMs),
  ticketMs: Math.max(a.ticketMs, b.ticketMs),
});

const living = <T>(keys: readonly Earlier<T>[], now: number): readonly Earlier<T>[] =>
  keys.filter(({ until }) => until > now);

/**
 * Why no rotation can begin now: too many earlier keys have signed something that may still be valid.
 * Undefined if one can.
 */
export function rotationRefused({ earlierTokenKeys, earlierClusterKeys }: Keys): string | undefined {
  for (const [what, keys] of [
    ["tokens", earlierTokenKeys],
    ["tickets", earlierClusterKeys],
  ] as const)
    if (keys.length >= EARLIER_MAX) {
      const first = Math.min(...keys.map(({ until }) => until));
      return `${keys.length} earlier keys still check ${what} that may be valid; the next rotation begins when the first of these keys is not needed any more, at ${new Date(first).toISOString()}`;
    }
  return undefined;
}

export interface RotationOptions {
  readonly lives: Lives;
  readonly now: number;
}

/**
 * The keys of a ChatCluster, or new ones if there are none. Offers the next generation if `rotation` differs
 * from the last request and no rotation is running. Drops earlier keys whose tokens and tickets have all
 * expired. Returns the same object if nothing changes.
 */
export function keysFor(before: Keys | undefined, rotation: string, options: RotationOptions): Keys {
  const { lives, now } = options;
  if (before === undefined) return keysOf(newGeneration(rotation, 1), lives);
  let keys = before;
  const longest = longer(keys.lives, lives);
  if (longest.tokenMs !== keys.lives.tokenMs || longest.ticketMs !== keys.lives.ticketMs)
    keys = { ...keys, lives: longest };
  const earlierTokenKeys = living(keys.earlierTokenKeys, now);
  const earlierClusterKeys = living(keys.earlierClusterKeys, now);
  if (
    earlierTokenKeys.length < keys.earlierTokenKeys.length ||
    earlierClusterKeys.length < keys.earlierClusterKeys.length
  )
    keys = { ...keys, earlierTokenKeys, earlierClusterKeys };
  if (keys.rotation === rotation || keys.coming !== undefined || rotationRefused(keys) !== undefined)
    return keys;
  return { ...keys, coming: { ...newGeneration(rotation, keys.generation + 1), stage: "offered" } };
}

/** The progress that a running rotation waits for. */
export interface Way {
  /** Managed backends accept every credential that they should. */
  readonly isTaken: boolean;
  /** Every pod was made with its wanted generation, and no earlier pod is left. */
  readonly isInPods: boolean;
}

/** Takes one step of the running rotation if its condition is met. Otherwise returns the same keys. */
export function advanced(keys: Keys, { isTaken, isInPods }: Way, lives: Lives, now: number): Keys {
  const { coming, leaving, ...stays } = keys;
  if (leaving !== undefined && isInPods) return { ...stays, ...(coming === undefined ? {} : { coming }) };
  if (coming === undefined) return keys;
  const isOver = coming.stage === "offered" ? isTaken : isInPods;
  if (!isOver) return keys;
  const next = ORDER[(ORDER as readonly string[]).indexOf(coming.stage) + 1];
  return next === undefined
    ? promoted(keys, coming, lives, now)
    : { ...keys, coming: { ...coming, stage: next } };
}

/**
 * The new generation signs from now on. The earlier keys verify for as long as anything that they signed may
 * be valid.
 */
function promoted(keys: Keys, coming: NonNullable<Keys["coming"]>, lives: Lives, now: number): Keys {
  const { stage: _, ...next } = coming;
  const until = (life: number): number => now + life + CLOCK_LEEWAY_MS + SLACK_MS;
  const tokenKey = { key: publicOf(keys.signingKey), replacedAt: now, until: until(keys.lives.tokenMs) };
  const clusterKey = { key: keys.clusterKey, replacedAt: now, until: until(keys.lives.ticketMs) };
  return {
    ...next,
    origin: keys.origin,
    ...(keys.vapid === undefined ? {} : { vapid: keys.vapid }),
    lives,
    earlierTokenKeys: [tokenKey, ...living(keys.earlierTokenKeys, now)],
    earlierClusterKeys: [clusterKey, ...living(keys.earlierClusterKeys, now)],
  };
}

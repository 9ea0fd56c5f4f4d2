import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import { TICKET_LIFE_MS, TOKEN_LIFE_MS } from "@jichat/protocol/lives.ts";
import type { ChatCluster } from "../crd/definition.ts";
import type { Earlier, Keys, Lives } from "./keys.ts";
import { ORDER, keysOf, newGeneration, publicOf } from "./keys.ts";
import type { Template } from "./template.ts";
import { variablesOf } from "./template.ts";

/**
 * A pod reads its files anew within seconds of the kubelet, and the kubelet brings them within a minute or
 * two: so long one that signs may go on with the key of before.
 */
const SLACK_MS = 10 * 60_000;
/** Earlier keys of a kind. More are no rotation any more, and each forged ticket is held against all. */
export const EARLIER_MAX = 100;

/** A life, from the component's own variable in the spec; from elsewhere it may be the longest. */
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

/** How long what is signed for this ChatCluster lives, as its components are told. */
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

/** Why no rotation can begin now: too much of what earlier keys signed may still live. */
export function rotationRefused({ earlierTokenKeys, earlierClusterKeys }: Keys): string | undefined {
  for (const [what, keys] of [
    ["tokens", earlierTokenKeys],
    ["tickets", earlierClusterKeys],
  ] as const)
    if (keys.length >= EARLIER_MAX) {
      const first = Math.min(...keys.map(({ until }) => until));
      return `${keys.length} earlier keys still check ${what} that may live; the next rotation begins when the first of them is not needed any more, at ${new Date(first).toISOString()}`;
    }
  return undefined;
}

export interface RotationOptions {
  readonly lives: Lives;
  readonly now: number;
}

/**
 * Keys for a ChatCluster that has none; else those that it has, with the next generation offered where
 * `rotation` differs from what was asked for last and none is on its way. What nothing that lives was signed
 * with goes. The same object where nothing is to change.
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

/** What a rotation on its way waits for. */
export interface Way {
  /** Managed backends take every credential that they are to take. */
  readonly isTaken: boolean;
  /** Every pod was made with what it is to be made with now, and none of before is left. */
  readonly isInPods: boolean;
}

/** One step of the rotation that is on its way, where what it waits for has come; else the same keys. */
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

/** What was on its way signs from now on; what signed until now checks what of it may live. */
function promoted(keys: Keys, coming: NonNullable<Keys["coming"]>, lives: Lives, now: number): Keys {
  const { stage: _, ...next } = coming;
  const until = (life: number): number => now + life + CLOCK_LEEWAY_MS + SLACK_MS;
  const tokenKey = { key: publicOf(keys.signingKey), replacedAt: now, until: until(keys.lives.tokenMs) };
  const clusterKey = { key: keys.clusterKey, replacedAt: now, until: until(keys.lives.ticketMs) };
  return {
    ...next,
    origin: keys.origin,
    lives,
    earlierTokenKeys: [tokenKey, ...living(keys.earlierTokenKeys, now)],
    earlierClusterKeys: [clusterKey, ...living(keys.earlierClusterKeys, now)],
  };
}

import { asLevel } from "../level.ts";

/** The key in the settings bucket that every process reads before it does anything. */
export const LAYOUT_KEY = "layout";
/** What a cluster was made with, and its level. */
export interface Layout {
  /** It can never change: it is part of where every conversation stands. */
  readonly partitions: number;
  /** It never falls. */
  readonly level: number;
}

/**
 * At level 0 exactly what builds of level 0 write. They refuse to start where `version` is above 1, and know
 * nothing of levels: so from level 1 on it is 2. Builds that know levels go by `level`.
 */
export const encodeLayout = ({ partitions, level }: Layout): string =>
  JSON.stringify(level === 0 ? { version: 1, partitions } : { version: 2, partitions, level });

/** Throws for what is no layout, and for one whose version this build does not know. */
export function decodeLayout(text: string, cluster: string): Layout {
  const { version, partitions, level = 0 } = JSON.parse(text) as Partial<Record<string, unknown>>;
  if (version !== 1 && version !== 2)
    throw new Error(
      `cluster ${cluster} has layout version ${String(version)}, this build knows 2: use a newer JiChat`,
    );
  if (typeof partitions !== "number") throw new Error(`cluster ${cluster} has a layout without partitions`);
  return { partitions, level: asLevel(level) };
}

import { asLevel } from "../level.ts";

/** The key in the settings bucket that every process reads before it does anything. */
export const LAYOUT_KEY = "layout";
/** A cluster's fixed layout, and its level. */
export interface Layout {
  /** Never changes: it decides in which partition every conversation is. */
  readonly partitions: number;
  /** Never falls. */
  readonly level: number;
}

/**
 * Encodes a layout. At level 0 the text is exactly what builds of level 0 write. Those builds know no levels,
 * and refuse to start if `version` is above 1. So `version` is 2 from level 1 on. Builds that know levels go
 * by `level`.
 */
export const encodeLayout = ({ partitions, level }: Layout): string =>
  JSON.stringify(level === 0 ? { version: 1, partitions } : { version: 2, partitions, level });

/** Parses a layout. Throws if it is not one, or if this build does not know its version. */
export function decodeLayout(text: string, cluster: string): Layout {
  const { version, partitions, level = 0 } = JSON.parse(text) as Partial<Record<string, unknown>>;
  if (version !== 1 && version !== 2)
    throw new Error(
      `cluster ${cluster} has layout version ${String(version)}, this build knows 2: use a newer JiChat`,
    );
  if (typeof partitions !== "number") throw new Error(`cluster ${cluster} has a layout without partitions`);
  return { partitions, level: asLevel(level) };
}

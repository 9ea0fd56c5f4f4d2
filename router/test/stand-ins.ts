import type { EffectsWorld } from "../src/ports.ts";

/** Where nobody is online, and all that is told is taken. */
export const NOBODY_ONLINE = {
  sessions: {
    publish: async () => new Map(),
    giveUp: async () => undefined,
    isAlive: async () => true,
    settled: () => true,
  },
  backlogBytesMax: () => 33_554_432,
  deliverer: { deliver: async () => undefined },
  push: { add: async () => undefined },
  count: () => undefined,
} satisfies Omit<EffectsWorld, "partition" | "clock">;

import { NO_CANDIDATES } from "@jichat/presence/candidates.ts";
import type { EffectsWorld } from "../src/ports.ts";

/** Where nobody is online, and all that is told is taken. */
export const NOBODY_ONLINE = {
  sessions: {
    publish: async () => ({ online: new Map(), candidates: NO_CANDIDATES }),
    giveUp: async () => undefined,
    isAlive: async () => true,
  },
  backlogBytesMax: () => 33_554_432,
  deliverer: { deliver: async () => undefined },
  push: { take: () => [], add: async () => undefined },
  count: () => undefined,
} satisfies Omit<EffectsWorld, "partition" | "clock">;

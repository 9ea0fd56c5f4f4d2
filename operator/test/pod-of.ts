import type { ConnectorPod } from "../src/scale/fleet.ts";

/** A pod of revision `new` that is ready and serves ten devices, except for `but`; for tests. */
export const podOf = (name: string, but: Partial<ConnectorPod> = {}): ConnectorPod => ({
  name,
  revision: "new",
  node: name,
  isRunning: true,
  isReady: true,
  readyChangedAt: undefined,
  isEnding: false,
  isRouted: true,
  isInService: true,
  mark: undefined,
  connections: 10,
  drain: "none",
  shed: undefined,
  shedLeft: 0,
  ...but,
});

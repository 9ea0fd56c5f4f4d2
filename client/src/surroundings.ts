import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { Connection } from "./connection.ts";

/** What a link needs of a connection. */
export type Welcomed = Pick<
  Connection,
  "welcome" | "firstSync" | "isOpen" | "write" | "request" | "listen" | "probe" | "close"
>;

/** What stands around a client; a test puts its own there. */
export interface Surroundings {
  readonly clock: Clock;
  readonly open: (...args: Parameters<typeof Connection.open>) => Promise<Welcomed>;
  /** Where `online` and `offline` are heard; the browser's own, if there is one. */
  readonly network?: EventTarget;
}

export const REAL: Surroundings = {
  clock: systemClock,
  open: async (...args) => Connection.open(...args),
};

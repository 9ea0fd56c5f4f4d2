import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Connection } from "./connection.ts";
import type { Opening } from "./open-connection.ts";
import { openConnection } from "./open-connection.ts";

/** What a link needs of a connection. */
export type Welcomed = Pick<
  Connection,
  "welcome" | "firstSync" | "isOpen" | "check" | "write" | "request" | "listen" | "probe" | "close"
>;

/** What stands around a client; a test puts its own there. */
export interface Surroundings {
  readonly clock: Clock;
  readonly open: (opening: Opening) => Promise<Welcomed>;
  /** Where `online` and `offline` are heard; the browser's own, if there is one. */
  readonly network?: EventTarget;
}

export const REAL: Surroundings = { clock: systemClock, open: openConnection };

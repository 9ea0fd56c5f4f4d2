import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Page } from "./activity.ts";
import type { Connection } from "./connection.ts";
import type { Opening } from "./open-connection.ts";
import { openConnection } from "./open-connection.ts";

/** The part of a connection that a link needs. */
export type Welcomed = Pick<
  Connection,
  "welcome" | "firstSync" | "isOpen" | "check" | "write" | "tell" | "request" | "listen" | "probe" | "close"
>;

/** The outside world of a client. Tests pass their own. */
export interface Surroundings {
  readonly clock: Clock;
  readonly open: (opening: Opening) => Promise<Welcomed>;
  /** The source of `online` and `offline` events. Defaults to the browser's own, if there is one. */
  readonly network?: EventTarget;
  /** The page that somebody looks at. Defaults to the browser's own, if there is one. */
  readonly page?: Page;
}

export const REAL: Surroundings = { clock: systemClock, open: openConnection };

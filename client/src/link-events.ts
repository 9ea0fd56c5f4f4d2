import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { FirstSync } from "./connection.ts";
import type { Welcomed } from "./surroundings.ts";
import type { Status } from "./types.ts";

/** What a link tells, and asks of, whoever uses it. */
export interface LinkEvents {
  /** The sync that a new connection sends right after its hello. */
  readonly firstSync: () => FirstSync["asked"];
  readonly onOnline: (connection: Welcomed) => void;
  readonly onFrame: (frame: ServerFrame) => void;
  /** `error` says why the link is offline, or closed by anyone but the application. */
  readonly onStatus: (status: Status) => void;
}

import type { Connections } from "@jichat/edge/connections.ts";
import type { Edge } from "@jichat/edge/edge.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Tickets } from "@jichat/identity/tickets.ts";
import type { Tokens } from "@jichat/identity/tokens.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Level } from "@jichat/log/level.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { AddressBudget } from "./address-budget.ts";
import type { Config } from "./config.ts";
import type { Admission } from "./admission.ts";
import type { DirectConversations } from "./direct-conversations.ts";
import type { Hub } from "./hub.ts";
import type { IntakeLimits } from "./intake.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";

/** What `main` has opened, for everything that works with it. */
export interface World extends Edge {
  readonly config: Config;
  readonly names: Names;
  readonly nats: NatsConnection;
  readonly presence: Presence;
  readonly telemetry: Telemetry;
  readonly metrics: ConnectorMetrics;
  readonly hub: Hub;
  /** Which verbs are answered goes by it. */
  readonly level: Pick<Level, "current">;
  /** What is said of the time of day, and whether tokens and tickets are over, goes by it. */
  readonly clock: Clock;
  readonly turn: FlushScheduler;
  readonly directs: DirectConversations;
  readonly admission: Admission;
  /** For the order of sends: what this process slept through is no time that a device had. */
  readonly wakeful: WakefulClock;
  readonly tokens: Tokens;
  readonly tickets: Tickets;
  readonly revocations: Revocations;
  readonly messageBuckets: TokenBuckets;
  readonly byteBuckets: TokenBuckets;
  /** Those that are not a socket, or not yet. */
  readonly connections: Connections;
  readonly intakeLimits: IntakeLimits;
  /** None where an address may say what its sockets may. */
  readonly addressBudget: AddressBudget | undefined;
  readonly memberBuckets: TokenBuckets;
  readonly handshakeBuckets: TokenBuckets;
}

import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CONNECTOR_RENEW_MS } from "@jichat/protocol/log/streams.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Hub } from "./hub.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { RegistrationParts } from "./registration.ts";
import { register } from "./registration.ts";
import type { Session } from "./session.ts";

const AT_ONCE = 64;
/** `gap` frames after a loss of contact are spread over this time. */
const GAP_SPREAD_MS = 1_000;

interface KeeperParts extends RegistrationParts {
  readonly presence: RegistrationParts["presence"] &
    Pick<Presence, "announceConnector" | "onRun" | "removeConnector" | "renewConnector">;
  readonly hub: RegistrationParts["hub"] & Pick<Hub, "placed">;
  readonly bus: Pick<Bus, "onReconnect" | "publish">;
  /** The cluster's clock. */
  readonly clock: Pick<Clock, "now">;
  readonly metrics: Pick<ConnectorMetrics, "countGap">;
  /** What this connector says of itself in Redis. */
  readonly says: () => string;
}

/**
 * Keeps this connector's key in Redis alive. If the key has expired, or Redis has lost its data, it registers
 * all sessions again. Otherwise it registers those whose registration failed.
 */
export class PresenceKeeper {
  readonly #parts: KeeperParts;
  readonly #stop = new AbortController();
  #registering = false;
  #again = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    parts.presence.onRun(() => void this.#registerAll());
    parts.bus.onReconnect(() => {
      this.#gapAll([...parts.hub.placed()]);
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#renew();
      await systemClock.sleep(CONNECTOR_RENEW_MS, signal).catch(() => undefined);
    }
  }

  /** Tells the others at once that something has changed here. Never rejects. */
  async tell(): Promise<void> {
    if (!this.#stop.signal.aborted) await this.#renew();
  }

  /** Stops renewing and removes the key, so that routers stop delivering here at once. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    const { presence, config, telemetry } = this.#parts;
    await presence.removeConnector(config.instance).catch((error: unknown) => {
      telemetry.log.debug({ err: error }, "the key of the connector was not removed: it expires by itself");
    });
  }

  async #renew(): Promise<void> {
    const { presence, config, telemetry, says } = this.#parts;
    if (!presence.ready || this.#registering) return;
    try {
      if (!(await presence.renewConnector(config.instance, says()))) await this.#registerAll();
      else await this.#registerRest();
    } catch (error) {
      telemetry.log.warn({ err: error }, "the key of the connector was not renewed");
    }
  }

  /** Writes the connector's key first: a session counts only while that key lives. */
  async #registerAll(): Promise<void> {
    this.#again = true;
    if (this.#registering) return;
    this.#registering = true;
    const { presence, config, telemetry, hub, says } = this.#parts;
    try {
      while (this.#again) {
        this.#again = false;
        await presence.announceConnector(config.instance, says());
        await this.#register([...hub.placed()], async () =>
          presence.announceConnector(config.instance, says()),
        );
        this.#gapAll([...hub.placed()]);
      }
    } catch (error) {
      telemetry.log.warn({ err: error }, "sessions could not be registered: trying again");
      setTimeout(() => void this.#registerAll(), 200).unref();
    } finally {
      this.#registering = false;
    }
  }

  /**
   * Registers sessions whose registration failed while the connector's key lived. They have received nothing
   * since.
   */
  async #registerRest(): Promise<void> {
    const rest: Session[] = [];
    for (const session of this.#parts.hub.placed())
      if (session.isLive && !session.registered) rest.push(session);
    await this.#register(rest);
    this.#gapAll(rest.filter(({ registered }) => registered));
  }

  /** Registers `AT_ONCE` sessions at a time, and calls `after` behind each group. */
  async #register(sessions: readonly Session[], after?: () => Promise<void>): Promise<void> {
    for (let at = 0; at < sessions.length; at += AT_ONCE) {
      await Promise.all(sessions.slice(at, at + AT_ONCE).map((session) => register(this.#parts, session)));
      await after?.();
    }
  }

  #gapAll(sessions: readonly Session[]): void {
    if (sessions.length === 0) return;
    this.#parts.metrics.countGap(sessions.length);
    for (const session of sessions)
      setTimeout(() => {
        this.#gap(session);
      }, Math.random() * GAP_SPREAD_MS).unref();
  }

  #gap(session: Session): void {
    if (session.isLive) session.writeGap(this.#parts.clock.now());
    else session.missed = true;
  }
}

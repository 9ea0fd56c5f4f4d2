import type { DrainReport, DrainState } from "@jichat/protocol/drain.ts";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import type { Lanes } from "@jichat/edge/lanes.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { evenSpreadMs, graceOf, placesIn, spareMs, waitMsMax } from "./drain-pace.ts";
import type { Hub } from "./hub.ts";
import { Mover } from "./mover.ts";
import type { MoverParts } from "./mover.ts";
import type { Others } from "./others.ts";
import { RouteProbe } from "./route-probe.ts";

const REASON = "draining";
const POLL_MS = 50;
const FLUSH_MS = 8_000;
/**
 * A process that stops lives for this share of its drain at least, even without devices: some may be on their
 * way.
 */
const LEAST_SHARE = 1 / 20;

export interface DrainParts extends MoverParts {
  readonly hub: Pick<Hub, "size" | "sockets">;
  readonly others: Pick<Others, "takers">;
  readonly lanes: Pick<Lanes, "waiting">;
  readonly telemetry: Pick<Telemetry, "log">;
  /** Called whenever the state has changed. */
  readonly onChange: () => void;
}

export interface DrainPlan {
  readonly drainMs: number;
  /** The most devices that are told in any second. Without it they leave evenly over the time. */
  readonly perSecond: number | undefined;
}

/** A drain that runs. Times are monotonic milliseconds. */
interface Running {
  readonly since: number;
  readonly sinceTime: number;
  readonly drainMs: number;
  endsAt: number;
  perSecond: number | undefined;
  graceMs: number;
  waitsUntil: number;
  /** A process that stops waits until then for its successor, even without devices. */
  readonly successorUntil: number;
  /** Before this time it does not end, even without devices. */
  leastUntil: number;
  /** The wait was in vain: no other connector takes devices. */
  isAlone: boolean;
  /** Undefined while it waits for a connector that takes the devices. */
  probe: RouteProbe | undefined;
  evenUntil: number;
}

/**
 * Sends all devices to other connectors: not before one of them takes devices, and not faster than the rate
 * and their places allow. Accepted commands are still answered.
 */
export class Drain {
  readonly #parts: DrainParts;
  #mover: Mover;
  #running: Running | undefined;
  #isStopping = false;
  #isOver = false;

  constructor(parts: DrainParts) {
    this.#parts = parts;
    this.#mover = new Mover(parts);
  }

  get state(): DrainState {
    const running = this.#running;
    if (running === undefined) return "none";
    if (this.#parts.hub.size === 0) return "drained";
    if (this.#parts.time.monotonic() >= running.endsAt) return "drained";
    return running.probe === undefined ? "waiting" : "draining";
  }

  /** A process that stops stays ready until another one takes its devices, and routes lead there. */
  get isReady(): boolean {
    if (this.#running === undefined) return true;
    const isProbing = this.#running.probe?.isOver(this.#parts.time.monotonic()) !== true;
    return this.#isStopping && isProbing && this.accepts;
  }

  /** Whether a new connection is taken. It is, as long as no other connector may be within its reach. */
  get accepts(): boolean {
    const running = this.#running;
    if (this.#isOver) return false;
    if (running === undefined) return true;
    const now = this.#parts.time.monotonic();
    if (now >= running.endsAt) return false;
    if (running.probe?.mayLeadHere(now) !== false) return true;
    return this.#parts.others.takers()?.length === 0;
  }

  /** A connection has come. */
  arrived(): void {
    this.#running?.probe?.arrived(this.#parts.time.monotonic());
  }

  report(): DrainReport {
    const { hub, clock, time } = this.#parts;
    const running = this.#running;
    const times =
      running === undefined
        ? {}
        : {
            since: Math.round(running.sinceTime),
            deadline: Math.round(clock.now() + running.endsAt - time.monotonic()),
          };
    const { told, forced } = this.#mover;
    return { state: this.state, ...times, connections: hub.size, told, forced };
  }

  /** Starts a drain on request, or gives the running one another deadline and rate. */
  order(plan: DrainPlan): void {
    this.#refuseIfStopping();
    void this.#start(plan);
  }

  /** Ends a drain that was ordered: this connector is ready again. Devices that were told may still go. */
  cancel(): void {
    this.#refuseIfStopping();
    if (this.#running === undefined) return;
    this.#running = undefined;
    this.#mover.cancel();
    this.#parts.telemetry.log.info("the drain is cancelled");
    this.#parts.onChange();
  }

  #refuseIfStopping(): void {
    if (this.#isStopping) throw new ChatError("CONFLICT", "this process ends: its drain cannot be changed");
  }

  /**
   * Drains a process that ends. Resolves when no socket is left, or after the time of the plan. That time
   * begins when another connector takes the devices, or `successorWaitMs` after the call at the latest.
   */
  async stop(plan: DrainPlan, successorWaitMs = 0): Promise<void> {
    this.#isStopping = true;
    const before = this.#running;
    if (before === undefined) return this.#start(plan, successorWaitMs);
    const leftMs = Math.max(0, before.endsAt - this.#parts.time.monotonic());
    const rest = { drainMs: Math.min(plan.drainMs, leftMs), perSecond: before.perSecond };
    return this.#start(rest, before.probe === undefined ? successorWaitMs : 0);
  }

  async #start({ drainMs, perSecond }: DrainPlan, successorWaitMs = 0): Promise<void> {
    const { hub, time, clock, telemetry } = this.#parts;
    telemetry.log.info({ sockets: hub.size, drainMs, perSecond }, "connector drains");
    const now = time.monotonic();
    const before = this.#running;
    if (before === undefined) this.#mover = new Mover(this.#parts);
    const running: Running = {
      since: before?.since ?? now,
      sinceTime: before?.sinceTime ?? clock.now(),
      drainMs,
      endsAt: now + successorWaitMs + drainMs,
      perSecond,
      graceMs: graceOf(drainMs),
      successorUntil: now + successorWaitMs,
      waitsUntil: now + successorWaitMs + waitMsMax(drainMs, hub.size, perSecond),
      leastUntil: now + LEAST_SHARE * drainMs,
      isAlone: before?.isAlone ?? false,
      probe: before?.probe,
      evenUntil: now + evenSpreadMs(drainMs),
    };
    this.#running = running;
    this.#parts.onChange();
    await this.#run(running);
  }

  /** Ends when the drain is over, is cancelled, or has been given another plan. */
  async #run(running: Running): Promise<void> {
    const { time, hub } = this.#parts;
    while (this.#running === running && time.monotonic() < running.endsAt) {
      if (hub.size === 0 && this.#isStopping && this.#mayEnd(running)) return;
      if (running.probe === undefined) this.#waitFor(running);
      else this.#step(running, running.probe);
      await this.#mover.untilNext();
    }
    if (this.#running === running) this.#mover.closeAll(REASON);
  }

  #waitFor(running: Running): void {
    const { time, others, telemetry, hub } = this.#parts;
    const now = time.monotonic();
    const takers = others.takers() ?? [];
    if (takers.length === 0 && now < running.waitsUntil) return;
    running.isAlone = takers.length === 0;
    if (running.isAlone && hub.size > 0)
      telemetry.log.warn(
        { sockets: hub.size },
        "no other connector takes devices: they are sent away all the same",
      );
    running.endsAt = Math.min(running.endsAt, now + running.drainMs);
    const leftMs = running.endsAt - now;
    running.evenUntil = now + evenSpreadMs(leftMs);
    running.probe = new RouteProbe(
      now,
      now + (running.isAlone ? 0 : spareMs(leftMs, hub.size, running.perSecond)),
    );
    this.#parts.onChange();
  }

  /** Whether it may end without devices. Somebody may be on the way here while no other takes devices. */
  #mayEnd({ leastUntil, successorUntil, probe }: Running): boolean {
    const now = this.#parts.time.monotonic();
    return now >= leastUntil && (probe === undefined ? now >= successorUntil : probe.isQuiet(now));
  }

  #step(running: Running, probe: RouteProbe): void {
    const now = this.#parts.time.monotonic();
    const takers = this.#parts.others.takers();
    const { perSecond, graceMs, evenUntil, isAlone } = running;
    const told = this.#mover.step({
      reason: REASON,
      perSecond,
      graceMs,
      evenLeftMs: evenUntil - now,
      most: probe.most(now),
      places: takers === undefined || (isAlone && takers.length === 0) ? undefined : placesIn(takers),
    });
    probe.told(now, told);
  }

  /**
   * Call after the drain. Waits up to `FLUSH_MS` for accepted commands to be answered, then closes the
   * remaining sockets.
   */
  async finish(): Promise<void> {
    const { hub, lanes, time } = this.#parts;
    this.#isOver = true;
    const end = time.monotonic() + FLUSH_MS;
    while (lanes.waiting > 0 && time.monotonic() < end) await time.sleep(POLL_MS);
    for (const session of hub.sockets) session.close(CLOSE.goingAway, "going away");
    await time.sleep(POLL_MS);
  }
}

import type { Clock } from "@jichat/protocol/clock.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ActivityClient } from "./activity-client.ts";
import { Badges } from "./badges.ts";
import { Circuits } from "./circuits.ts";
import { Composer } from "./compose-push.ts";
import type { Config } from "./config.ts";
import { Judge } from "./judge.ts";
import { Lanes } from "./lanes.ts";
import type { PushMetrics } from "./metrics.ts";
import { pushGauges, pushMetrics } from "./metrics.ts";
import { Partitions } from "./partitions.ts";
import type * as ports from "./ports.ts";
import type { ListsOf } from "./reports.ts";
import { Reports } from "./reports.ts";
import { Resender, deferrer } from "./resender.ts";
import { HELD_BYTES_MAX, Room } from "./room.ts";
import { Sender } from "./sender.ts";
import { sparing } from "./sparing-log.ts";
import { Slots } from "./slots.ts";
import { Withdrawals } from "./withdrawals.ts";
import { Worker } from "./worker.ts";

/** Pushes that are decided and not settled, for each one that may be under way: most wait to be folded. */
const JOBS_PER_SLOT = 10;
/**
 * Pushes that wait only to be under way, for each one that may be: enough that none of these is idle. What
 * waits here for long has to be decided again.
 */
const LINE_PER_SLOT = 1;

export interface PushServiceParts {
  readonly config: Pick<Config, "hasPreviews" | "inFlightMax" | "mentionsOnlyAbove">;
  readonly names: Pick<Names, "activity">;
  readonly bus: Pick<Bus, "request">;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "child" | "counter" | "gauge" | "histogram" | "log">;
  readonly partitions: number;
  readonly queue: ports.Queue;
  readonly notes: ports.Notes;
  readonly stored: ports.StoredStandings;
  readonly storedTexts: ports.StoredTexts;
  readonly lists: ListsOf;
  readonly registrations: ports.Registrations;
  readonly displayNames: ports.DisplayNames;
  readonly providers: ports.Providers;
  readonly later: ports.Later;
  readonly dead: ports.DeadLetters;
  readonly texts: ports.Texts;
  readonly random?: () => number;
}

/** A push worker over its ports. */
export class PushService {
  readonly partitions: Partitions;
  readonly #resender: Resender;
  readonly #stop = new AbortController();

  constructor(parts: PushServiceParts) {
    const { clock, telemetry, config, registrations, notes, providers, queue } = parts;
    const log = sparing(telemetry.log, clock);
    const random = parts.random ?? Math.random;
    const metrics = pushMetrics(telemetry);
    const slots = new Slots({ limit: () => config.inFlightMax });
    const circuits = new Circuits();
    const judge = judgeOf(parts, log);
    const compose = new Composer({
      clock,
      names: parts.displayNames,
      badges: new Badges({ notes, clock, log }),
      texts: parts.texts,
      hasPreviews: config.hasPreviews,
      telemetry,
    });
    const outward = {
      clock,
      circuits,
      slots,
      providers,
      compose,
      notes,
      registrations,
      metrics,
      log,
      random,
    };
    const sender = new Sender({ ...outward, judge, dead: parts.dead, texts: parts.storedTexts });
    const lanes = lanesOver(sender, parts, metrics);
    const withdrawals = new Withdrawals({ ...outward, lanes });
    const reports = new Reports({ ...parts, metrics, log });
    const worker = new Worker({ judge, lanes, registrations, withdrawals, reports, metrics, log });
    const isHeldFull = (): boolean => lanes.held >= JOBS_PER_SLOT * config.inFlightMax;
    const isFull = (): boolean => slots.waiting >= LINE_PER_SLOT * config.inFlightMax || isHeldFull();
    const onFull = (): void => {
      if (isHeldFull()) lanes.flush();
    };
    const room = new Room({ clock, bytesMax: HELD_BYTES_MAX, isFull, onFull });
    this.partitions = new Partitions({ clock, queue, worker, lanes, room, log });
    const scopes = (): Partitions["scopes"] => this.partitions.scopes;
    this.#resender = new Resender({ ...outward, later: parts.later, judge, lanes, sender, scopes });
    pushGauges(telemetry, {
      waiting: () => this.partitions.waiting,
      inFlight: () => slots.taken,
      held: () => room.bytes,
      later: () => this.#resender.count,
      openCircuits: () => circuits.open(clock.monotonic()),
      partitions: () => this.partitions.size,
    });
  }

  start(): void {
    void this.#resender.run(this.#stop.signal);
  }

  /** The partitions have been given up by then. */
  stop(): void {
    this.#stop.abort(new Error("stopped"));
    this.partitions.stop();
  }
}

function judgeOf(parts: PushServiceParts, log: ports.Log): Judge {
  const { notes, stored, bus, names, clock, telemetry, config } = parts;
  const onSilent = (error: unknown): void => {
    telemetry.log.debug({ err: error }, "a connector says nothing of its sessions: they count as ended");
  };
  const activity = new ActivityClient({ bus, names, clock, onSilent });
  const { mentionsOnlyAbove } = config;
  return new Judge({ notes, stored, activity, clock, log, settings: { mentionsOnlyAbove } });
}

const lanesOver = (sender: Sender, { clock, later }: PushServiceParts, metrics: PushMetrics): Lanes =>
  new Lanes({
    clock,
    send: async (job, scope, isSuperseded) =>
      sender.send(job, { scope, isSuperseded, defer: deferrer(later, metrics, scope) }),
    onFolded: () => {
      metrics.countFolded();
    },
  });

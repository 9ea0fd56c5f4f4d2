import type { Clock } from "@jichat/protocol/clock.ts";
import { PUSH_AGE_MS } from "@jichat/protocol/log/streams.ts";
import type { Circuits } from "./circuits.ts";
import type { SkipReason } from "./decide.ts";
import { laterKey } from "./ids.ts";
import type { Job, Scope } from "./job.ts";
import type { Judge, Verdict } from "./judge.ts";
import type { Lanes } from "./lanes.ts";
import type { PushMetrics } from "./metrics.ts";
import type { KeptEntry, Later, Log, Providers, Registrations } from "./ports.ts";
import type { Sender } from "./sender.ts";
import { toldTo } from "./told.ts";
import { candidateOf, jobOf } from "./worker.ts";

const LOOK_MS = 3_000;
/** Pushes that wait are sent at this pace: a provider that is up again is not flooded. */
const RESENDS_PER_SECOND = 200;
const TOGETHER_MAX = 20;
const PACE_MS = (1_000 * TOGETHER_MAX) / RESENDS_PER_SECOND;
/** Those whose provider is still down are passed faster, so that they do not hold up those of others. */
const PASSED_PER_SENT = 10;

export interface ResenderParts {
  readonly clock: Clock;
  readonly later: Pick<Later, "entries" | "remove" | "count">;
  readonly judge: Pick<Judge, "judge">;
  readonly lanes: Pick<Lanes, "alone" | "isBusy">;
  readonly sender: Pick<Sender, "send">;
  readonly circuits: Circuits;
  readonly providers: Providers;
  readonly registrations: Pick<Registrations, "of">;
  readonly metrics: PushMetrics;
  readonly log: Log;
  /** Partitions that are read here now. */
  readonly scopes: () => readonly Scope[];
}

/** Keeps a push until its provider is up. */
export const deferrer =
  (later: Pick<Later, "keep">, metrics: Pick<PushMetrics, "countDeferred">, { partition }: Scope) =>
  async ({ user, registration: { device, target }, message, count }: Job): Promise<void> => {
    const place = { user, device, conversation: message.conversation };
    await later.keep(laterKey(partition, place), { user, device, message: toldTo(user, message), count });
    metrics.countDeferred(target.kind);
  };

/** Sends what waits once its provider is up, for the partitions that are read here. */
export class Resender {
  readonly #parts: ResenderParts;
  #count = Number.NaN;

  constructor(parts: ResenderParts) {
    this.#parts = parts;
  }

  /** Pushes of the whole cluster that wait, as of the last look. NaN while it is not known. */
  get count(): number {
    return this.#count;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, later, scopes, log } = this.#parts;
    while (!signal.aborted) {
      try {
        this.#count = await later.count();
        if (this.#count > 0) for (const scope of scopes()) await this.#partition(scope);
      } catch (error) {
        this.#count = Number.NaN;
        log.warn({ err: error }, "pushes that wait cannot be read: trying again");
      }
      await clock.sleep(LOOK_MS, signal).catch(() => undefined); // The loop's condition sees the abort.
    }
  }

  async #partition(scope: Scope): Promise<void> {
    const { later, clock } = this.#parts;
    const together: Promise<boolean>[] = [];
    for await (const kept of later.entries(scope.partition)) {
      if (scope.closing.aborted || scope.signal.aborted) break;
      together.push(this.#one(kept, scope));
      if (together.length < TOGETHER_MAX) continue;
      const moved = (await Promise.all(together.splice(0))).filter((hasMoved) => hasMoved).length;
      await clock.sleep(PACE_MS * Math.max(moved / TOGETHER_MAX, 1 / PASSED_PER_SENT));
    }
    await Promise.all(together);
  }

  async #one(kept: KeptEntry, scope: Scope): Promise<boolean> {
    try {
      return await this.#resend(kept, scope);
    } catch (error) {
      if (!scope.signal.aborted)
        this.#parts.log.warn({ err: error }, "a push that waits was not sent: it waits on");
      return true;
    }
  }

  /** Returns false if nothing was done about it, since its provider is down or its place is busy. */
  async #resend(kept: KeptEntry, scope: Scope): Promise<boolean> {
    const { registrations, providers, circuits, clock, judge, lanes } = this.#parts;
    const { user, device, message, count } = kept.entry;
    if (clock.now() - message.ts > PUSH_AGE_MS) return this.#drop(kept, "old");
    const registration = (await registrations.of(user)).find((one) => one.device === device);
    if (registration === undefined) return this.#drop(kept, "unregistered");
    // Most of them need no further look while their provider is down.
    const provider = providers.get(registration.target.kind);
    if (provider === undefined) return this.#drop(kept, "unoffered");
    const circuit = circuits.of(provider, registration.target, clock.monotonic());
    if (circuit.state(clock.monotonic()) === "open") return false;
    const candidate = candidateOf(user, registration, message);
    const [verdict] = await judge.judge([candidate], scope.signal);
    if (verdict === undefined) return false;
    const wanted = wantedOf(verdict);
    if (typeof wanted === "string") return this.#drop(kept, wanted);
    const job = jobOf(candidate, verdict, wanted);
    if (lanes.isBusy(job.key)) return false;
    const { shown } = verdict;
    const all = { ...job, seq: Math.max(message.seq, shown), count: shown > message.seq ? count + 1 : count };
    await lanes.alone(job.key, async () => this.#send(all, kept, scope));
    return true;
  }

  async #send(job: Job, kept: KeptEntry, scope: Scope): Promise<void> {
    const { sender, later } = this.#parts;
    const settled = await sender.send(job, {
      scope,
      isSuperseded: () => false,
      defer: async () => undefined, // It stays where it is.
      isLate: true,
    });
    if (settled !== "deferred") await later.remove(kept);
  }

  async #drop(kept: KeptEntry, reason: SkipReason): Promise<true> {
    this.#parts.metrics.countSkipped(reason);
    await this.#parts.later.remove(kept);
    return true;
  }
}

/** A push that waits was not sent when a later one was: that one does not stand for it. */
function wantedOf({ decision }: Verdict): Extract<Verdict["decision"], { is: "push" }> | SkipReason {
  if (decision.is === "push") return decision;
  if (decision.reason !== "sent") return decision.reason;
  return { is: "push", hasSound: false, isUrgent: false, isMentionsOnly: false };
}

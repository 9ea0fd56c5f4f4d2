import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { QueuedMessage, QueuedPush } from "@jichat/protocol/bus/push.ts";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import { placeKey } from "./ids.ts";
import type { Job, Scope, Settled } from "./job.ts";
import type { Candidate, Judge, Verdict } from "./judge.ts";
import type { Lanes } from "./lanes.ts";
import type { PushMetrics } from "./metrics.ts";
import type { Log, Registrations, Told } from "./ports.ts";
import type { Reports } from "./reports.ts";
import type { Withdrawals } from "./withdrawals.ts";

export interface WorkerParts {
  readonly judge: Pick<Judge, "judge" | "judgeKnown">;
  readonly lanes: Pick<Lanes, "offer">;
  readonly registrations: Pick<Registrations, "of">;
  readonly withdrawals: Pick<Withdrawals, "take">;
  readonly reports: Pick<Reports, "take">;
  readonly metrics: PushMetrics;
  readonly log: Log;
}

/** One message of the queue: its entries, and what is called when all of them are done. */
export interface Taken {
  readonly bytes: Uint8Array;
  /** Called once. `error` is why it is not done. */
  readonly done: (error?: unknown) => void;
}

type Verdicts = ReadonlyMap<Candidate, Verdict | undefined>;

/** What is decided now, and what is once a silent connector has answered. */
interface Judged {
  readonly known: Verdicts;
  readonly late: Promise<Verdicts> | undefined;
}

/** What waits for a silent connector, in one partition. */
interface Late {
  /** The last ones: those behind them wait for them too. */
  last: Promise<unknown>;
  /** How many wait, by place. */
  readonly places: Map<string, number>;
}

/** Takes messages of the queue in their order, some at a time, and sees to it that each is done once. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #late = new WeakMap<Scope, Late>();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once all that comes of these messages is in its lane, or waits for a silent connector: then the
   * next ones may be taken. Their `done` is called later. Rejects if the scope ends first; then `done` was not
   * called for all of them.
   */
  async take(batch: readonly Taken[], scope: Scope): Promise<void> {
    const read = batch.map((taken) => ({ taken, entries: this.#read(taken) }));
    const candidates = await this.#candidates(read.flatMap(({ entries }) => entries));
    const all = [...candidates.values()].flat();
    const verdicts = await this.#parts.judge.judgeKnown(all, scope.signal);
    const late = this.#lateOf(scope);
    const [known, unknown] = split(all, verdicts, late.places);
    const judged = { known, late: unknown.length === 0 ? undefined : this.#judgeLate(unknown, late, scope) };
    for (const { taken, entries } of read) {
      const work = entries.map(async (entry) =>
        this.#one(entry, { candidates: candidates.get(entry) ?? [], judged, scope }),
      );
      Promise.all(work).then(
        () => {
          taken.done();
        },
        (error: unknown) => {
          taken.done(error ?? new Error("it failed"));
        },
      );
    }
  }

  #lateOf(scope: Scope): Late {
    const known = this.#late.get(scope);
    if (known !== undefined) return known;
    const late = { last: Promise.resolve(), places: new Map<string, number>() };
    this.#late.set(scope, late);
    return late;
  }

  /** Decides once their connectors answer, or count as gone, and behind those that wait already. */
  async #judgeLate(candidates: readonly Candidate[], late: Late, scope: Scope): Promise<Verdicts> {
    const before = late.last;
    for (const { key } of candidates) late.places.set(key, (late.places.get(key) ?? 0) + 1);
    const judged = (async () => {
      await before;
      const verdicts = await this.#parts.judge.judge(candidates, scope.signal);
      return new Map(candidates.map((candidate, index) => [candidate, verdicts[index]]));
    })();
    late.last = judged;
    return judged;
  }

  #read({ bytes }: Taken): readonly QueuedPush[] {
    const { metrics, log } = this.#parts;
    try {
      const entries = decodePushEntries(bytes);
      for (const { is } of entries) metrics.countEntries(is);
      return entries;
    } catch (error) {
      metrics.countEntries("unreadable");
      log.error({ err: error }, "a message of the push queue cannot be decoded, and is dropped");
      return [];
    }
  }

  /** The devices that each message may be pushed to. */
  async #candidates(entries: readonly QueuedPush[]): Promise<ReadonlyMap<QueuedPush, readonly Candidate[]>> {
    const messages = entries.filter((entry) => entry.is === "message");
    return new Map(
      await Promise.all(messages.map(async (message) => [message, await this.#devicesOf(message)] as const)),
    );
  }

  async #devicesOf({ to, ...message }: QueuedMessage): Promise<readonly Candidate[]> {
    const told: Told = message;
    const found = await Promise.all(
      to.map(async (user) => {
        const registrations = await this.#parts.registrations.of(user);
        return registrations.map((registration) => candidateOf(user, registration, told));
      }),
    );
    const without = found.filter((registrations) => registrations.length === 0).length;
    if (without > 0) this.#parts.metrics.countSkipped("unregistered", without);
    return found.flat();
  }

  async #one(
    entry: QueuedPush,
    {
      candidates,
      judged,
      scope,
    }: {
      readonly candidates: readonly Candidate[];
      readonly judged: Judged;
      readonly scope: Scope;
    },
  ): Promise<void> {
    switch (entry.is) {
      case "message": {
        const offers = candidates.map(async (candidate) => this.#offer(candidate, judged, scope));
        await Promise.all(offers);
        return;
      }
      case "read":
        await this.#parts.withdrawals.take(entry, scope);
        return;
      case "report":
        await this.#parts.reports.take(entry, scope);
        return;
      default:
        this.#parts.log.warn({ is: (entry as { is: unknown }).is }, "an entry of a newer version is dropped");
    }
  }

  /** What is known is in its lane when this returns. */
  async #offer(candidate: Candidate, { known, late }: Judged, scope: Scope): Promise<void> {
    const verdict = known.get(candidate);
    const offered =
      verdict === undefined ? this.#offerLate(candidate, late, scope) : this.#put(candidate, verdict, scope);
    if ((await offered) === "repeated") this.#parts.metrics.countSkipped("sent");
  }

  /** Until it is in its lane, what comes behind it in its place waits too. */
  async #offerLate(candidate: Candidate, late: Judged["late"], scope: Scope): Promise<Settled | undefined> {
    const { places } = this.#lateOf(scope);
    let offered: Promise<Settled> | undefined;
    try {
      const verdict = (await late)?.get(candidate);
      offered = verdict && this.#put(candidate, verdict, scope);
    } finally {
      const left = (places.get(candidate.key) ?? 0) - 1;
      if (left > 0) places.set(candidate.key, left);
      else places.delete(candidate.key);
    }
    return offered;
  }

  /** It is in its lane when this returns, unless it is not wanted. */
  async #put(candidate: Candidate, verdict: Verdict, scope: Scope): Promise<Settled> {
    if (verdict.decision.is === "skip") {
      this.#parts.metrics.countSkipped(verdict.decision.reason);
      return "skipped";
    }
    return this.#parts.lanes.offer(jobOf(candidate, verdict, verdict.decision), scope);
  }
}

/**
 * What may be offered now, and what has to wait: for a silent connector, or behind what waits for one in the
 * same place. A later message that went first would pass for the last one that its device was told of.
 */
function split(
  candidates: readonly Candidate[],
  verdicts: readonly (Verdict | undefined)[],
  waiting: ReadonlyMap<string, number>,
): readonly [known: Verdicts, late: readonly Candidate[]] {
  const known = new Map<Candidate, Verdict>();
  const late: Candidate[] = [];
  const places = new Set(waiting.keys());
  for (const [index, candidate] of candidates.entries()) {
    const verdict = verdicts[index];
    if (verdict === undefined || (verdict.decision.is === "push" && places.has(candidate.key))) {
      late.push(candidate);
      places.add(candidate.key);
    } else known.set(candidate, verdict);
  }
  return [known, late];
}

type Wanted = Extract<Verdict["decision"], { readonly is: "push" }>;

export function candidateOf(user: string, registration: PushRegistration, message: Told): Candidate {
  const key = placeKey({ user, device: registration.device, conversation: message.conversation });
  return { key, user, registration, message };
}

/** A notification of one message for one device, as it was decided. */
export function jobOf(candidate: Candidate, { standing, at }: Verdict, wanted: Wanted): Job {
  const { key, user, registration, message } = candidate;
  const { hasSound, isUrgent, isMentionsOnly } = wanted;
  // Behind a half-open connection the last message stands for all that the device may have lost.
  const isLast = message.device !== undefined && standing !== undefined;
  return {
    key,
    user,
    registration,
    message,
    count: isLast ? Math.max(1, message.no - standing.markNo) : 1,
    seq: message.seq,
    hasSound,
    isUrgent,
    isMentionsOnly,
    standing,
    judgedAt: at,
  };
}

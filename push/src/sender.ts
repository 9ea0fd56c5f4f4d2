import type { Clock } from "@jichat/protocol/clock.ts";
import { delayAfter } from "./backoff.ts";
import type { Circuit } from "./circuit.ts";
import type { Circuits } from "./circuits.ts";
import type { Composer } from "./compose-push.ts";
import type { SkipReason } from "./decide.ts";
import type { Job, Scope, Settled } from "./job.ts";
import type { Judge } from "./judge.ts";
import type { PushMetrics } from "./metrics.ts";
import type { DeadLetters, Log, Notes, Providers, Registrations, StoredTexts } from "./ports.ts";
import type { Outcome, Provider } from "./provider.ts";
import type { Slots } from "./slots.ts";

/** A decision that is older is made again before anything is sent. */
const FRESH_MS = 1_000;
/** A message that is older may have been edited or recalled: what it says is asked before it is told. */
const TOLD_MS = 1_000;
const RETRY_MS = 250;
const NOTE_TRIES_MAX = 20;

export interface SenderParts {
  readonly clock: Clock;
  readonly judge: Pick<Judge, "judge">;
  readonly circuits: Circuits;
  readonly slots: Slots;
  readonly providers: Providers;
  readonly compose: Composer;
  readonly notes: Pick<Notes, "note">;
  readonly texts: StoredTexts;
  readonly registrations: Pick<Registrations, "removeIfStill">;
  readonly dead: DeadLetters;
  readonly metrics: PushMetrics;
  readonly log: Log;
  readonly random: () => number;
}

export interface Sending {
  readonly scope: Scope;
  /** Whether a later push of the same place waits. */
  readonly isSuperseded: () => boolean;
  /** Keeps it until its provider is up. */
  readonly defer: (job: Job) => Promise<void>;
  /** The newest seq that the device was pushed does not matter: this one was not sent when it was pushed. */
  readonly isLate?: boolean;
}

/** What came of one attempt. */
type Step =
  | { readonly is: "skip"; readonly reason: SkipReason }
  | { readonly is: "down"; readonly job: Job }
  | { readonly is: "answer"; readonly job: Job; readonly outcome: Outcome; readonly circuit: Circuit };

/** Sends one push: the decision once more, the circuit, the attempts, and what comes of the answer. */
export class Sender {
  readonly #parts: SenderParts;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Rejects if the scope ends before the push is settled. */
  async send(first: Job, sending: Sending): Promise<Settled> {
    const { clock } = this.#parts;
    let job = first;
    for (let failed = 0; ;) {
      const step = await this.#step(job, sending);
      if (step.is === "skip") return this.#skipped(step.reason);
      job = step.job;
      if (step.is === "down") return this.#defer(job, sending);
      const { outcome, circuit } = step;
      if (outcome.is !== "retry") return this.#done(job, outcome, sending);
      failed += 1;
      const delayMs = delayAfter(failed, outcome.afterMs, this.#parts.random());
      if (delayMs === undefined || sending.scope.closing.aborted) return this.#defer(job, sending);
      if (circuit.state(clock.monotonic()) !== "closed") return this.#defer(job, sending);
      await this.#rest(delayMs, sending.scope);
      if (sending.isSuperseded()) return "superseded";
      if (sending.scope.closing.aborted) return this.#defer(job, sending);
    }
  }

  /** One attempt, unless it is not wanted any more. It is decided behind the line of those who wait. */
  async #step(job: Job, sending: Sending): Promise<Step> {
    const { slots, providers, circuits, clock, metrics } = this.#parts;
    const { target } = job.registration;
    await slots.take();
    try {
      const provider = providers.get(target.kind);
      if (provider === undefined) return { is: "skip", reason: "unoffered" };
      const current = await this.#current(job, sending);
      if (typeof current === "string") return { is: "skip", reason: current };
      const [again, told] = current;
      sending.scope.signal.throwIfAborted();
      const circuit = circuits.of(provider, target, clock.monotonic());
      const mayTry = circuit.take(clock.monotonic());
      const outcome = mayTry ? await this.#attempt(told, provider, circuit) : undefined;
      metrics.countAttempt(target.kind, outcome?.is ?? "down");
      return outcome === undefined
        ? { is: "down", job: again }
        : { is: "answer", job: again, outcome, circuit };
    } finally {
      slots.free();
    }
  }

  /** Waits, but not for longer than the partition is read here. Rejects if another worker may read it. */
  async #rest(ms: number, { signal, closing }: Scope): Promise<void> {
    await this.#parts.clock.sleep(ms, AbortSignal.any([signal, closing])).catch(() => undefined);
    signal.throwIfAborted();
  }

  /**
   * The job as it is decided now, and with what its message says by now; or why it is not wanted any more. It
   * is decided behind storage's answer, which may take seconds: a read mark counts until the last moment.
   */
  async #current(first: Job, sending: Sending): Promise<readonly [again: Job, told: Job] | SkipReason> {
    const { clock } = this.#parts;
    for (let job = first; ;) {
      const told = await this.#told(job);
      if (told === "recalled") return told;
      const toldAt = clock.monotonic();
      const again = await this.#again(job, sending);
      if (typeof again === "string") return again;
      if (clock.monotonic() - toldAt <= TOLD_MS) return [again, { ...again, message: told.message }];
      job = again; // Redis took long: what the message says is as old.
    }
  }

  /** The job as it is decided now, or why it is not wanted any more. */
  async #again(job: Job, { scope, isLate = false }: Sending): Promise<Job | SkipReason> {
    const { clock, judge } = this.#parts;
    if (clock.monotonic() - job.judgedAt <= FRESH_MS) return job;
    const [verdict] = await judge.judge([job], scope.signal);
    if (verdict === undefined) return job;
    const { decision, standing, at } = verdict;
    const isRepeated = decision.is === "skip" && decision.reason === "sent" && isLate;
    if (decision.is === "skip" && !isRepeated) return decision.reason;
    return { ...job, standing, judgedAt: at };
  }

  /**
   * The job with what its message says by now, and without a text if nobody knows that. One that stands for
   * several messages tells no text.
   */
  async #told(job: Job): Promise<Job | "recalled"> {
    const { texts, clock } = this.#parts;
    const { message, count } = job;
    if (count > 1 || clock.now() - message.ts <= TOLD_MS) return job;
    const said = await texts.of(message);
    if (said.is === "recalled") return said.is;
    return { ...job, message: { ...message, preview: said.is === "said" ? said.text : undefined } };
  }

  async #attempt(job: Job, provider: Provider, circuit: Circuit): Promise<Outcome> {
    const { compose, clock, random } = this.#parts;
    const { push, end } = await compose.notification(job);
    const outcome = await provider.send(job.registration.target, push);
    end(outcome);
    if (outcome.is === "retry" && outcome.isDown) circuit.down(clock.monotonic(), random(), outcome.afterMs);
    else circuit.up();
    // Before its slot is free: no more pushes than there are slots come again if this process is killed.
    if (outcome.is === "sent") await this.#note(job);
    return outcome;
  }

  async #done(job: Job, outcome: Exclude<Outcome, { is: "retry" }>, { scope }: Sending): Promise<Settled> {
    const { metrics, clock, registrations } = this.#parts;
    const { user, registration, message } = job;
    const { device, target } = registration;
    switch (outcome.is) {
      case "sent":
        metrics.recordDelay(target.kind, clock.now() - message.ts);
        return "sent";
      case "gone":
        await this.#until("a registration was not removed", scope, async () =>
          registrations.removeIfStill(user, device, target),
        );
        return "gone";
      case "refused":
        await this.#bury(job, outcome.reason, scope);
        return "dead";
    }
  }

  async #bury(job: Job, reason: string, scope: Scope): Promise<void> {
    const { metrics, clock, dead } = this.#parts;
    const { user, registration, message, count } = job;
    const letter = {
      user,
      device: registration.device,
      conversation: message.conversation,
      seq: message.seq,
      count,
      kind: registration.target.kind,
      reason,
      at: clock.now(),
    };
    await this.#until("a dead letter was not stored", scope, async () => dead.add(scope.partition, letter));
    metrics.countDead(registration.target.kind);
  }

  /** Without the note, another worker would send it again. So Redis is given five seconds. */
  async #note({ key, seq }: Job): Promise<void> {
    const { notes, clock, log } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      try {
        await notes.note(key, seq);
        return;
      } catch (error) {
        if (tries < NOTE_TRIES_MAX) {
          await clock.sleep(RETRY_MS);
          continue;
        }
        log.warn({ err: error }, "a push was sent and cannot be noted: another worker may repeat it");
        return;
      }
    }
  }

  async #defer(job: Job, { scope, defer }: Sending): Promise<Settled> {
    await this.#until("a push cannot be kept for later", scope, async () => defer(job));
    return "deferred";
  }

  /** Repeats `act` until it succeeds or the scope ends. */
  async #until(what: string, { signal }: Scope, act: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#parts.log.warn({ err: error }, `${what} yet: trying again`);
        await this.#parts.clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #skipped(reason: SkipReason): Settled {
    this.#parts.metrics.countSkipped(reason);
    return "skipped";
  }
}

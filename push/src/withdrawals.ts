import type { QueuedRead } from "@jichat/protocol/bus/push.ts";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { delayAfter } from "./backoff.ts";
import type { Circuits } from "./circuits.ts";
import type { Composer } from "./compose-push.ts";
import type { Place } from "./ids.ts";
import { placeKey } from "./ids.ts";
import type { Scope } from "./job.ts";
import type { Lanes } from "./lanes.ts";
import type { PushMetrics } from "./metrics.ts";
import type { Log, Notes, Providers, Registrations } from "./ports.ts";
import type { Slots } from "./slots.ts";

const BUSY_LOOK_MS = 50;

export interface WithdrawalsParts {
  readonly clock: Clock;
  readonly registrations: Pick<Registrations, "of">;
  readonly notes: Pick<Notes, "facts" | "forget">;
  readonly lanes: Pick<Lanes, "alone" | "isBusy">;
  readonly providers: Providers;
  readonly circuits: Circuits;
  readonly slots: Slots;
  readonly compose: Pick<Composer, "withdrawal">;
  readonly metrics: PushMetrics;
  readonly log: Log;
  readonly random: () => number;
}

interface Shown {
  readonly place: Place;
  readonly key: string;
  readonly seq: number;
  readonly registration: PushRegistration;
}

/**
 * Withdraws what devices show of a conversation once it was read elsewhere. A device that shows something
 * newer keeps it. It is worth a few attempts and no more: what stays is a notification of a message that was
 * read.
 */
export class Withdrawals {
  readonly #parts: WithdrawalsParts;

  constructor(parts: WithdrawalsParts) {
    this.#parts = parts;
  }

  /** Resolves once it is withdrawn, given up, or found not to be shown. Never rejects. */
  async take(read: QueuedRead, scope: Scope): Promise<void> {
    try {
      const registrations = await this.#parts.registrations.of(read.user);
      await Promise.all(registrations.map(async (one) => this.#onDevice(read, one, scope)));
    } catch (error) {
      if (scope.signal.aborted) return; // Another worker does it.
      this.#parts.log.warn({ err: error }, "a notification that was read is not withdrawn");
    }
  }

  async #onDevice(
    { user, conversation, seq: readSeq }: QueuedRead,
    registration: PushRegistration,
    scope: Scope,
  ): Promise<void> {
    const { notes, lanes, clock } = this.#parts;
    const place = { user, device: registration.device, conversation };
    const key = placeKey(place);
    for (;;) {
      // What is on its way now may be shown in a moment.
      while (lanes.isBusy(key)) await clock.sleep(BUSY_LOOK_MS, scope.signal);
      const { shown } = await notes.facts({ user, conversation, no: 0, notes: [key] });
      if (lanes.isBusy(key)) continue;
      const [seq = 0] = shown;
      if (seq === 0 || seq > readSeq) return;
      await lanes.alone(key, async () => this.#withdraw({ place, key, seq, registration }, scope));
      return;
    }
  }

  async #withdraw({ place, key, seq, registration }: Shown, scope: Scope): Promise<void> {
    const { clock, circuits, metrics, notes } = this.#parts;
    const { target } = registration;
    const { push, end } = await this.#parts.compose.withdrawal(place, seq);
    for (let failed = 0; ;) {
      const provider = this.#parts.providers.get(target.kind);
      if (provider === undefined) return;
      const circuit = circuits.of(provider, target, clock.monotonic());
      if (circuit.state(clock.monotonic()) !== "closed") return;
      await this.#parts.slots.take();
      const outcome = await provider.send(target, push).finally(() => {
        this.#parts.slots.free();
      });
      if (outcome.is === "retry" && outcome.isDown)
        circuit.down(clock.monotonic(), this.#parts.random(), outcome.afterMs);
      else circuit.up();
      failed += 1;
      const delayMs =
        outcome.is === "retry" ? delayAfter(failed, outcome.afterMs, this.#parts.random()) : undefined;
      if (delayMs !== undefined && !scope.closing.aborted) {
        await clock.sleep(delayMs, scope.signal);
        continue;
      }
      end(outcome);
      if (outcome.is !== "sent") return;
      metrics.countWithdrawn(target.kind);
      await notes.forget(key, seq);
      return;
    }
  }
}

import type { PushRegistration, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { AgedMap } from "./aged-map.ts";
import type { Log, Registrations } from "./ports.ts";
import { Slots } from "./slots.ts";

const USERS_MAX = 50_000;
/** While changes are heard, only what is not asked for any more is too old. */
const HEARD_AGE_MS = 600_000;
/** While they are not, a registration that has changed may be used for as long. */
const UNHEARD_AGE_MS = 3_000;
const READS_MAX = 128;
const RETRY_MS = 500;

export interface CacheParts {
  readonly registrations: Registrations;
  readonly clock: Clock;
  readonly isHeard: () => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Registrations, in memory for those who are asked for often. It has to be told of changes. */
export class RegistrationCache implements Registrations {
  readonly #parts: CacheParts;
  readonly #known: AgedMap<readonly PushRegistration[]>;
  readonly #reads = new Slots({ limit: () => READS_MAX });

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.#known = new AgedMap(async (user) => this.#read(user), {
      max: USERS_MAX,
      ageMs: () => (parts.isHeard() ? HEARD_AGE_MS : UNHEARD_AGE_MS),
      now: () => parts.clock.monotonic(),
    });
  }

  /** Waits while they cannot be read. Rejects once the process stops. */
  async of(user: string): Promise<readonly PushRegistration[]> {
    const { clock, log, signal } = this.#parts;
    for (;;) {
      try {
        return await this.#known.of(user);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, "registrations for pushes cannot be read: trying again");
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async removeIfStill(user: string, device: string, target: PushTarget): Promise<unknown> {
    const removed = await this.#parts.registrations.removeIfStill(user, device, target);
    this.changed(user);
    return removed;
  }

  changed(user: string): void {
    this.#known.forget(user);
  }

  async #read(user: string): Promise<readonly PushRegistration[]> {
    await this.#reads.take();
    try {
      return await this.#parts.registrations.of(user);
    } finally {
      this.#reads.free();
    }
  }
}

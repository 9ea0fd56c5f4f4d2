import type { PushDevices } from "@jichat/identity/push-devices.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { PushUsers } from "@jichat/presence/push-users.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";

/** Another api may have begun and ended before it was done. */
const RETRY_MS = 5_000;
const LOOK_MS = 600_000;

export interface KeeperParts {
  readonly clock: Pick<Clock, "sleep">;
  readonly pushDevices: Pick<PushDevices, "users">;
  readonly pushUsers: Pick<PushUsers, "isFresh" | "rebuild">;
  readonly presence: Pick<Presence, "onRun" | "ready">;
  readonly telemetry: Pick<Telemetry, "log">;
  /** Names this process among all apis. */
  readonly instance: string;
}

/**
 * Keeps the set of users with a registration in Redis: made anew from KV when there is none, as after a loss
 * of Redis's data, and once a day. One api does it at a time.
 */
export class PushUsersKeeper {
  readonly #parts: KeeperParts;
  #wake = Promise.withResolvers<void>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    parts.presence.onRun(() => {
      this.#wake.resolve();
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      await this.#waitAfter(await this.#keep(), signal);
    }
  }

  /** Returns whether the set is as it should be. */
  async #keep(): Promise<boolean> {
    const { pushDevices, pushUsers, presence, instance, telemetry } = this.#parts;
    if (!presence.ready) return true; // `onRun` wakes us.
    try {
      return (await pushUsers.isFresh()) || (await pushUsers.rebuild(instance, pushDevices.users()));
    } catch (error) {
      telemetry.log.warn(
        { err: error },
        "who receives pushes is not known in Redis: everybody counts until it is",
      );
      return false;
    }
  }

  async #waitAfter(isKept: boolean, signal: AbortSignal): Promise<void> {
    const waited = new AbortController();
    const waiting = this.#parts.clock
      .sleep(isKept ? LOOK_MS : RETRY_MS, AbortSignal.any([signal, waited.signal]))
      .catch((error: unknown) => {
        if (!signal.aborted && !waited.signal.aborted) throw error;
      });
    await Promise.race([this.#wake.promise, waiting]);
    waited.abort();
  }
}

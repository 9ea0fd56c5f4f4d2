import type { PushKind, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import type { Outcome, Provider, Push } from "./provider.ts";

interface Held {
  readonly provider: Provider;
  inFlight: number;
  isOld: boolean;
}

/** A provider whose credentials may change: an earlier one is closed once its last call has ended. */
export class SwappedProvider implements Provider {
  readonly kind: PushKind;
  #held: Held | undefined;
  #unauthorized: string | undefined;

  constructor(kind: PushKind) {
    this.kind = kind;
  }

  get isOn(): boolean {
    return this.#held !== undefined;
  }

  /** Why the provider refused the present credentials; `undefined` if it did not, or takes them again. */
  get unauthorized(): string | undefined {
    return this.#unauthorized;
  }

  /** New calls go to `provider`; to none if it is `undefined`. */
  swap(provider: Provider | undefined): void {
    const before = this.#held;
    this.#held = provider === undefined ? undefined : { provider, inFlight: 0, isOld: false };
    this.#unauthorized = undefined;
    if (before === undefined) return;
    before.isOld = true;
    if (before.inFlight === 0) before.provider.close();
  }

  circuitOf(target: PushTarget): string {
    return this.#held?.provider.circuitOf?.(target) ?? "";
  }

  async send(target: PushTarget, push: Push, signal?: AbortSignal): Promise<Outcome> {
    const held = this.#held;
    if (held === undefined) return { is: "retry", reason: "the provider has no credentials", isDown: true };
    held.inFlight += 1;
    try {
      const outcome = await held.provider.send(target, push, signal);
      if (!held.isOld) this.#see(outcome);
      return outcome;
    } finally {
      held.inFlight -= 1;
      if (held.isOld && held.inFlight === 0) held.provider.close();
    }
  }

  #see(outcome: Outcome): void {
    if (outcome.is === "sent") this.#unauthorized = undefined;
    else if (outcome.is === "retry" && outcome.isUnauthorized === true) this.#unauthorized = outcome.reason;
  }

  /** Closes at once, whatever is in flight. */
  close(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    held.isOld = false; // It is closed here, and by no call that ends later.
    held.provider.close();
  }
}

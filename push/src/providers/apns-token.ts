import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "@jichat/protocol/clock.ts";

/** A key of Apple's for push, and whose it is. */
export interface ApnsKey {
  readonly keyId: string;
  readonly teamId: string;
  readonly key: KeyObject;
}

/** Apple refuses tokens that are older than 60 minutes, and updates more often than every 20 minutes. */
const RENEW_MS = 40 * 60_000;
const RENEW_LEAST_MS = 20 * 60_000;

/** The JWT that goes with every push to APNs, renewed when it is 40 minutes old. */
export class ApnsToken {
  readonly #key: ApnsKey;
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #current: { readonly token: Promise<string>; readonly madeAt: number } | undefined;

  constructor(key: ApnsKey, clock: Pick<Clock, "now" | "monotonic">) {
    this.#key = key;
    this.#clock = clock;
  }

  async get(): Promise<string> {
    if (this.#ageMs() >= RENEW_MS) this.#current = undefined;
    this.#current ??= { token: this.#sign(), madeAt: this.#clock.monotonic() };
    return this.#current.token;
  }

  /** APNs calls the token too old, say since this machine slept. The next one is new, if it may be. */
  expire(): void {
    if (this.#ageMs() >= RENEW_LEAST_MS) this.#current = undefined;
  }

  #ageMs(): number {
    return this.#current === undefined ? Infinity : this.#clock.monotonic() - this.#current.madeAt;
  }

  async #sign(): Promise<string> {
    const { keyId, teamId, key } = this.#key;
    return new SignJWT()
      .setProtectedHeader({ alg: "ES256", kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt(Math.floor(this.#clock.now() / 1_000))
      .sign(key);
  }
}

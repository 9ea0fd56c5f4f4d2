import webPush from "web-push";
import type { Clock } from "@jichat/protocol/clock.ts";

/** Who sends, and its keys as browsers and `web-push` write them: base64url. */
export interface Vapid {
  /** A `mailto:` or `https:` URL at which a push service finds us. */
  readonly subject: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

/** RFC 8292 allows 24 hours. Half of ours is left for a clock that is wrong. */
const LIFE_MS = 12 * 3_600_000;
const RENEW_MS = LIFE_MS / 2;
/** Push services that are remembered. Anybody can register an endpoint of any host. */
const SERVICES_MAX = 1_000;

interface Service {
  readonly authorization: string;
  readonly madeAt: number;
  knowsKey: boolean;
}

/** The signed header for each push service (RFC 8292). A signature costs more than all else of a push. */
export class VapidHeaders {
  readonly #vapid: Vapid;
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  /** In the order of their last use. */
  readonly #services = new Map<string, Service>();

  constructor(vapid: Vapid, clock: Pick<Clock, "now" | "monotonic">) {
    this.#vapid = vapid;
    this.#clock = clock;
  }

  /** The header `Authorization` for an origin. */
  of(origin: string): string {
    const known = this.#services.get(origin);
    const isFresh = known !== undefined && this.#clock.monotonic() - known.madeAt < RENEW_MS;
    const service = isFresh ? known : this.#make(origin, known?.knowsKey ?? false);
    this.#services.delete(origin);
    this.#services.set(origin, service);
    const [oldest] = this.#services.keys();
    if (this.#services.size > SERVICES_MAX && oldest !== undefined) this.#services.delete(oldest);
    return service.authorization;
  }

  /** Whether the push service of this origin has taken a push that our key signed. */
  isKnownTo(origin: string): boolean {
    return this.#services.get(origin)?.knowsKey ?? false;
  }

  noteTaken(origin: string): void {
    const service = this.#services.get(origin);
    if (service !== undefined) service.knowsKey = true;
  }

  #make(origin: string, knowsKey: boolean): Service {
    const { subject, publicKey, privateKey } = this.#vapid;
    const expires = Math.floor((this.#clock.now() + LIFE_MS) / 1_000);
    const { Authorization: authorization } = webPush.getVapidHeaders(
      origin,
      subject,
      publicKey,
      privateKey,
      "aes128gcm",
      expires,
    );
    return { authorization, madeAt: this.#clock.monotonic(), knowsKey };
  }
}

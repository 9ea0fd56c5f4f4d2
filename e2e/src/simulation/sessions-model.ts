import type { SessionEntry } from "@jichat/presence/presence-texts.ts";
import type { Time } from "./world.ts";

const CONNECTOR_TTL_MS = 5_000;

/** The sessions in Redis, by connector. A connector counts only while it renews its key. */
export class SessionsModel {
  readonly #time: Time;
  readonly #sessions = new Map<string, Map<string, SessionEntry>>();
  readonly #connectors = new Map<string, number>();

  constructor(time: Time) {
    this.#time = time;
  }

  announce(connector: string): void {
    this.#connectors.set(connector, this.#time.now + CONNECTOR_TTL_MS);
  }

  isAlive(connector: string): boolean {
    return (this.#connectors.get(connector) ?? 0) > this.#time.now;
  }

  connectorsOf(user: string): string[] {
    const connectors = [...(this.#sessions.get(user)?.values() ?? [])].map(({ connector }) => connector);
    return [...new Set(connectors)].filter((connector) => this.isAlive(connector));
  }

  /** Like `arrive-script.ts`. Gives the session a birth stamp of at least `at`. */
  swapIn(
    user: string,
    device: string,
    at: { -readonly [K in keyof SessionEntry]: SessionEntry[K] },
    isHello: boolean,
  ): SessionEntry | "younger" | undefined {
    const devices = this.#sessions.get(user) ?? new Map<string, SessionEntry>();
    this.#sessions.set(user, devices);
    const known = devices.get(device);
    devices.set(device, at);
    if (known?.session === at.session) at.birth = Math.max(at.birth, known.birth);
    if (known === undefined || known.session === at.session) return undefined;
    const isYounger = known.birth > at.birth && (!isHello || known.birth <= this.#time.now);
    if (isYounger && this.isAlive(known.connector)) {
      devices.set(device, known);
      return "younger";
    }
    if (isHello) at.birth = Math.max(at.birth, known.birth + 1);
    return known;
  }
}

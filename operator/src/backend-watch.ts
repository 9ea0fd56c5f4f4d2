import { hashOf } from "./kube/hash.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { BACKENDS } from "./desired/names.ts";
import { usersPrint } from "./desired/users.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { withLevel } from "./level.ts";
import type { BackendsSeen, Seen } from "./plan.ts";

export interface BackendWatchOptions {
  readonly ask: (input: DesiredInput) => Promise<BackendsSeen>;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Called when a look found a different result than the one before. */
  readonly onNews: (key: string) => void;
}

interface Known {
  readonly input: string;
  readonly seen: BackendsSeen;
  readonly at: number;
  /** Consecutive looks, after the first, that found a backend that does not answer. */
  readonly misses: number;
}

/**
 * Keeps the earlier message if the new one is only a time-out, which says less. A status with alternating
 * messages would be written for ever.
 */
function firmer(before: Seen | undefined, now: Seen): Seen {
  const isVague = now.state === "unreachable" && /ETIMEDOUT|time-?out|timed out/i.test(now.message);
  return isVague && before?.state === "unreachable" ? before : now;
}

const NOT_YET: Seen = { state: "unknown", message: "not asked yet" };
const UNKNOWN: BackendsSeen = { nats: NOT_YET, redis: NOT_YET, clickhouse: NOT_YET, streams: undefined };
/** The number of concurrent looks. A look opens a few connections, and one that hangs delays no other. */
const AT_ONCE = 8;
/** A backend that does not answer is asked again sooner, at the next event, since something waits for it. */
const AGAIN_MS = 3_000;

const areWell = ({ nats, redis, clickhouse, users }: BackendsSeen): boolean =>
  [nats, redis, clickhouse].every(({ state }) => state === "ok") &&
  (users ?? { state: "taken" }).state === "taken";

/**
 * The last answers of the backends. They are asked beside the passes, so that no pass waits for a server that
 * does not answer.
 */
export class BackendWatch {
  readonly #options: BackendWatchOptions;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new Map<string, { readonly input: DesiredInput; readonly print: string }>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: BackendWatchOptions) {
    this.#options = options;
  }

  /** The last answer for this exact input. Asks again if the answer is older than `everyMs`. */
  look(key: string, input: DesiredInput): BackendsSeen {
    const { spec } = input.cluster;
    const print = hashOf([
      spec.nats,
      spec.redis,
      spec.clickhouse,
      spec.durability,
      spec.retention,
      spec.paused,
      BACKENDS.map((backend) => usersPrint(input, backend)),
      input.keys.coming?.stage,
      spec.hibernate,
      input.logins,
      input.backendTls,
    ]);
    const known = this.#known.get(key);
    const isCurrent = known?.input === print;
    const { clock, everyMs: usual } = this.#options;
    const everyMs = known === undefined || areWell(known.seen) ? usual : Math.min(usual, AGAIN_MS);
    if (!isCurrent || clock.monotonic() - known.at >= everyMs) {
      this.#waiting.set(key, { input, print });
      this.#start();
    }
    return isCurrent ? known.seen : UNKNOWN;
  }

  /**
   * The pass itself has raised the level. Until the next look, this level counts as the one in the settings.
   */
  raised(key: string, level: number | undefined): void {
    const known = this.#known.get(key);
    if (known !== undefined) this.#known.set(key, { ...known, seen: withLevel(known.seen, level) });
  }

  /**
   * The delay before the next look if nothing happens: short at first, and doubled while a backend does not
   * answer.
   */
  againMs(key: string): number {
    return AGAIN_MS * 2 ** (this.#known.get(key)?.misses ?? 0);
  }

  /**
   * Stops looking. Resolves when no look is running, since a look could recreate what is about to be removed.
   */
  async forget(key: string): Promise<void> {
    this.#waiting.delete(key);
    await this.#running.get(key);
    this.#known.delete(key);
  }

  #start(): void {
    for (const [key, { input, print }] of this.#waiting) {
      if (this.#running.size >= AT_ONCE) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.set(key, this.#ask(key, input, print));
    }
  }

  async #ask(key: string, input: DesiredInput, print: string): Promise<void> {
    const told = await this.#options.ask(input); // Never rejects.
    this.#running.delete(key);
    const before = this.#known.get(key);
    const last = before?.input === print ? before.seen : undefined;
    const seen: BackendsSeen = {
      nats: firmer(last?.nats, told.nats),
      redis: firmer(last?.redis, told.redis),
      clickhouse: firmer(last?.clickhouse, told.clickhouse),
      streams: told.streams,
      ...(told.users === undefined ? {} : { users: told.users }),
    };
    const misses = areWell(seen) ? 0 : before?.input === print ? before.misses + 1 : 0;
    this.#known.set(key, { input: print, seen, misses, at: this.#options.clock.monotonic() });
    if (before?.input !== print || hashOf(before.seen) !== hashOf(seen)) this.#options.onNews(key);
    this.#start();
  }
}

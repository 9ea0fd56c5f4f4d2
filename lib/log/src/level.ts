import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { SaidLevel } from "@jichat/protocol/level.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { LAYOUT_KEY, decodeLayout } from "@jichat/protocol/log/layout.ts";
import { LevelUnknown } from "./layout.ts";

/**
 * The cluster's level that this process follows: which forms it may write, and which verbs it answers. It is
 * read before the process does anything else, and never falls.
 */
export class Level {
  readonly #known: number;
  #current: number;

  constructor(first: number, known: number = LEVEL_KNOWN) {
    this.#current = first;
    this.#known = known;
  }

  get current(): number {
    return this.#current;
  }

  get said(): SaidLevel {
    return { known: this.#known, cluster: this.#current };
  }

  /**
   * Takes a level from the bucket, in any order: a stale copy may report an older level, which changes
   * nothing. Returns `raised` if the level rose, and `unknown` if it is above what this build knows. After
   * `unknown` the process keeps its last level until it has ended.
   */
  hear(level: number): "raised" | "same" | "unknown" {
    if (level > this.#known) return "unknown";
    if (level <= this.#current) return "same";
    this.#current = level;
    return "raised";
  }
}

interface LevelParts {
  readonly nats: NatsConnection;
  readonly names: Names;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly signal: AbortSignal;
  /** Called when the level is above what this build knows. The process then shuts down cleanly. */
  readonly onUnknown: () => void;
}

/** Starts to follow the cluster's level until the signal aborts. Resolves once the watch has begun. */
export async function watchLevel(
  level: Level,
  { nats, names, log, signal, onUnknown }: LevelParts,
): Promise<void> {
  const settings = await Bucket.open(nats, names.settings);
  await settings.watch(
    LAYOUT_KEY,
    (entry) => {
      if (entry.operation !== "PUT") return;
      try {
        const heard = decodeLayout(entry.string(), names.cluster).level;
        const turn = level.hear(heard);
        if (turn === "raised") log.info({ level: heard }, "the cluster's level was raised");
        if (turn === "unknown") throw new LevelUnknown(names.cluster, heard);
      } catch (error) {
        log.error({ err: error }, "this build is too old for its cluster, and stops");
        onUnknown();
      }
    },
    hearingOf(log, "the bucket of settings"),
    signal,
  );
}

/** Registers the metric of a process's level. The admin port's `/level` answers the same. */
export function tellLevel(telemetry: Pick<Telemetry, "gauge">, level: Level): void {
  telemetry.gauge("jichat_level", "the newest level that this build knows, and the cluster's", () =>
    Object.entries(level.said).map(([of, value]) => ({ value, attributes: { of } })),
  );
}

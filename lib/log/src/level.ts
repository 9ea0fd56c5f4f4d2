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
 * The cluster's level as this process goes by it: which forms it may write, which verbs it answers. It was
 * read before the process did anything, and never falls.
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
   * What was heard of the bucket, in whatever order. A copy that is behind may tell an older value: that one
   * changes nothing. Returns `raised` where the level rose, and `unknown` where it is now above what this
   * build knows: the process goes by the last one that it knows until it has ended.
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
  /** The level is above what this build knows: the process ends, cleanly. */
  readonly onUnknown: () => void;
}

/** Follows the cluster's level until the signal aborts. */
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

/** The metric of a process's level; the admin port's `/level` says the same. */
export function tellLevel(telemetry: Pick<Telemetry, "gauge">, level: Level): void {
  telemetry.gauge("jichat_level", "the newest level that this build knows, and the cluster's", () =>
    Object.entries(level.said).map(([of, value]) => ({ value, attributes: { of } })),
  );
}

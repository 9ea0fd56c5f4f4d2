import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import { readClickHouseTls, readRedisTls } from "@jichat/runtime/backend-tls.ts";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { LogOptions } from "@jichat/log/log-settings.ts";
import { readLogSettings } from "@jichat/log/log-settings.ts";
import type { ProcessConfig } from "@jichat/runtime/process-config.ts";
import { readProcessConfig } from "@jichat/runtime/process-config.ts";

export interface Config extends ProcessConfig {
  readonly log: LogOptions;
  /** A ClickHouse server, or a folder for the embedded engine: exactly one of the two. */
  readonly clickhouseUrl: string | undefined;
  readonly clickhouseTls: BackendTls | undefined;
  readonly embeddedPath: string | undefined;
  /** Folder with `node_modules/chdb`. The embedded engine has 540 MB, so it is not a regular dependency. */
  readonly chdbHome: string | undefined;
  /** Only the command `generation` uses Redis: for heads whose records the log has lost. */
  readonly redisUrl: string | undefined;
  readonly redisTls: BackendTls | undefined;
  readonly flushMs: number;
  readonly flushRows: number;
  readonly tailBytesMax: number;
  /** Memory for ends of conversations (`ConversationEnds`), over all partitions. */
  readonly recentBytesMax: number;
  readonly trimGraceMs: number;
  readonly trimEveryMs: number;
  readonly drainMs: number;
}

/** Called once, by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const config: Config = {
    ...readProcessConfig(reader, "storage"),
    log: readLogSettings(reader),
    clickhouseUrl: reader.optionalSecret("CLICKHOUSE_URL"),
    clickhouseTls: readClickHouseTls(reader),
    embeddedPath: reader.optional("CLICKHOUSE_EMBEDDED_PATH"),
    chdbHome: reader.optional("CHDB_HOME"),
    redisUrl: reader.optionalSecret("REDIS_URL"),
    redisTls: readRedisTls(reader),
    flushMs: reader.int("FLUSH_MS", { default: 1_000, min: 10, max: 60_000 }),
    flushRows: reader.int("FLUSH_ROWS", { default: 20_000, min: 100, max: 1_000_000 }),
    tailBytesMax: reader.int("TAIL_BYTES_MAX", { default: 268_435_456, min: 1_048_576, max: 17_179_869_184 }),
    recentBytesMax: reader.int("RECENT_BYTES_MAX", { default: 67_108_864, min: 0, max: 17_179_869_184 }),
    trimGraceMs: reader.int("TRIM_GRACE_MS", { default: 6 * 3_600_000, min: 0, max: 30 * 24 * 3_600_000 }),
    trimEveryMs: reader.int("TRIM_EVERY_MS", { default: 60_000, min: 100, max: 86_400_000 }),
    drainMs: reader.int("DRAIN_MS", { default: 10_000, min: 0, max: 3_600_000 }),
  };
  if ((config.clickhouseUrl === undefined) === (config.embeddedPath === undefined)) {
    throw new Error("configuration: exactly one of CLICKHOUSE_URL and CLICKHOUSE_EMBEDDED_PATH is required");
  }
  reader.finish();
  return Object.freeze(config);
}

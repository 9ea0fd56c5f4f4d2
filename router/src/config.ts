import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import { readRedisTls } from "@jichat/runtime/backend-tls.ts";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { LogOptions } from "@jichat/log/log-settings.ts";
import { readLogSettings } from "@jichat/log/log-settings.ts";
import type { ProcessConfig } from "@jichat/runtime/process-config.ts";
import { readProcessConfig } from "@jichat/runtime/process-config.ts";

export interface Config extends ProcessConfig {
  readonly redisUrl: string;
  readonly redisTls: BackendTls | undefined;
  readonly log: LogOptions;
  readonly snapshotEveryMs: number;
  readonly drainMs: number;
}

/** Called once by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const config: Config = {
    ...readProcessConfig(reader, "router"),
    redisUrl: reader.secretUrl("REDIS_URL", "redis://127.0.0.1:6379"),
    redisTls: readRedisTls(reader),
    log: readLogSettings(reader),
    snapshotEveryMs: reader.int("SNAPSHOT_EVERY_MS", { default: 180_000, min: 1_000, max: 86_400_000 }),
    drainMs: reader.int("DRAIN_MS", { default: 10_000, min: 0, max: 3_600_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}

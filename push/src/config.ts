import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import { readRedisTls } from "@jichat/runtime/backend-tls.ts";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { LogOptions } from "@jichat/log/log-settings.ts";
import { readLogSettings } from "@jichat/log/log-settings.ts";
import type { ProcessConfig } from "@jichat/runtime/process-config.ts";
import { readProcessConfig } from "@jichat/runtime/process-config.ts";
import type { AddressRanges } from "./providers/public-address.ts";
import { readRanges } from "./providers/public-address.ts";

export interface Config extends ProcessConfig {
  readonly redisUrl: string;
  readonly redisTls: BackendTls | undefined;
  readonly log: LogOptions;
  /** Folder of the providers' credentials, one file each. */
  readonly folder: string;
  /** Folder of more templates, one file for each language. */
  readonly templates: string | undefined;
  /** False: no push of this cluster shows any of a message's text. */
  readonly hasPreviews: boolean;
  readonly mentionsOnlyAbove: number;
  /** Addresses that endpoints may have beside public ones. */
  readonly allowedAddresses: AddressRanges;
  readonly inFlightMax: number;
  readonly drainMs: number;
}

/** Called once, by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const config: Config = {
    ...readProcessConfig(reader, "push"),
    redisUrl: reader.secretUrl("REDIS_URL", "redis://127.0.0.1:6379"),
    redisTls: readRedisTls(reader),
    log: readLogSettings(reader),
    folder: reader.text("PUSH_FOLDER"),
    templates: reader.optional("PUSH_TEMPLATES"),
    hasPreviews: reader.oneOf("PUSH_PREVIEWS", ["true", "false"], "true") === "true",
    mentionsOnlyAbove: reader.int("PUSH_MENTIONS_ONLY_ABOVE", { default: 200, min: 0, max: 1_000_000 }),
    allowedAddresses: readAllowed(reader, reader.list("PUSH_ALLOWED_ADDRESSES")),
    inFlightMax: reader.int("PUSH_IN_FLIGHT_MAX", { default: 1_000, min: 1, max: 10_000 }),
    drainMs: reader.int("DRAIN_MS", { default: 10_000, min: 0, max: 3_600_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}

function readAllowed(reader: EnvReader, ranges: readonly string[]): AddressRanges {
  try {
    return readRanges(ranges);
  } catch (cause) {
    reader.refuse(`PUSH_ALLOWED_ADDRESSES: ${cause instanceof Error ? cause.message : String(cause)}`);
    return readRanges([]);
  }
}

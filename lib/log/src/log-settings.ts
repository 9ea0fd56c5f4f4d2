import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/** Settings of a cluster's logs, and who makes them. */
export interface LogOptions extends LogSettings {
  /**
   * Another process (the operator) makes the streams and buckets, and knows whether they existed before. This
   * process waits for them.
   */
  readonly isMadeElsewhere?: boolean;
}

/**
 * Reads the settings of a cluster's logs. All components that may be the first to make the logs use this
 * function.
 */
export function readLogSettings(reader: EnvReader): LogOptions {
  return {
    isMadeElsewhere: reader.oneOf("MAKE_STREAMS", ["yes", "no"], "yes") === "no",
    partitions: reader.int("PARTITIONS", { default: 16, min: 1, max: 256 }),
    replicas: reader.int("LOG_REPLICAS", { default: 1, min: 1, max: 3 }) === 3 ? 3 : 1,
    logBytesMax: reader.int("LOG_BYTES_MAX", {
      default: 1_073_741_824,
      min: 8_388_608,
      max: 1_099_511_627_776,
    }),
  };
}

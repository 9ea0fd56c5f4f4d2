import { NO_PROXY } from "@jichat/edge/client-address.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Identity } from "@jichat/identity/tokens.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import { KnownAddresses } from "./known-addresses.ts";
import type { ServerParts } from "./server.ts";

const UNLIMITED = 1_000_000;

/**
 * Parts without backends. Routes can be described, and checks before any backend can be tested. Anything
 * further fails.
 */
export function offlineParts(config: Partial<Config> = {}): ServerParts {
  const telemetry = startTelemetry("api", {
    cluster: "none",
    instance: "none",
    logLevel: "error",
    otlpEndpoint: undefined,
    traceRatio: 0,
  });
  telemetry.log.level = "silent";
  const parts = {
    config: {
      cluster: "none",
      wsUrls: [],
      origins: [],
      trustProxy: NO_PROXY,
      signingKeyFile: "none",
      signInsPerSecond: UNLIMITED,
      ...config,
    },
    telemetry,
    level: { current: LEVEL_KNOWN },
    tokens: { verify: async (): Promise<Partial<Identity>> => ({ user: "ann", tokenId: "none" }) },
    firstSight: { of: async () => false },
    knownAddresses: new KnownAddresses(undefined, "none", telemetry.log),
    userBuckets: new TokenBuckets(UNLIMITED),
    requestBuckets: new TokenBuckets(UNLIMITED),
    pushBuckets: new TokenBuckets(UNLIMITED),
  };
  return parts as unknown as ServerParts;
}

import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { PeopleConfig } from "@jichat/identity/people-config.ts";
import { readPeopleConfig } from "@jichat/identity/people-config.ts";
import type { ProxyTrust } from "@jichat/edge/client-address.ts";
import { readOrigins } from "@jichat/edge/origins-config.ts";
import { readProxyTrust } from "@jichat/edge/proxy-config.ts";
import type { TokenConfig } from "@jichat/identity/token-config.ts";
import { readTokenConfig } from "@jichat/identity/token-config.ts";
import { RESERVED_USERS } from "@jichat/identity/user-names.ts";
import { TOKEN_LIFE_MS } from "@jichat/protocol/lives.ts";
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
  readonly tokens: TokenConfig;
  readonly people: PeopleConfig;
  /** File with the private JWK that signs tokens. Absent if another system's accounts are used. */
  readonly signingKeyFile: string | undefined;
  readonly tokenLifeMs: number;
  readonly host: string;
  readonly port: number;
  readonly trustProxy: ProxyTrust;
  /** WebSocket URLs for clients; `/v1/config` returns them. */
  readonly wsUrls: readonly string[];
  /** Folder of the built web page. If absent, no page is served. */
  readonly webRoot: string | undefined;
  /** Origins of pages that may call the api, beside its own page; `*` allows all. */
  readonly origins: readonly string[];
  /** User names that nobody may register. */
  readonly reservedUsers: readonly string[];
  readonly connectionsPerAddressMax: number;
  readonly signInsPerSecond: number;
  readonly requestsPerSecond: number;
}

/** The connector's default rate of messages. */
const MEMBERS_PER_SECOND = 50;

/** Called once, by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const signingKeyFile = reader.optional("TOKEN_SIGNING_KEY_FILE");
  const config: Config = {
    ...readProcessConfig(reader, "api"),
    redisUrl: reader.secretUrl("REDIS_URL", "redis://127.0.0.1:6379"),
    redisTls: readRedisTls(reader),
    log: readLogSettings(reader),
    tokens: readTokenConfig(reader),
    people: readPeopleConfig(reader, signingKeyFile !== undefined, MEMBERS_PER_SECOND),
    signingKeyFile,
    tokenLifeMs: reader.int("TOKEN_LIFE_MS", TOKEN_LIFE_MS),
    host: reader.text("HOST", { default: "::" }),
    port: reader.int("PORT", { default: 8_080, min: 0, max: 65_535 }),
    trustProxy: readProxyTrust(reader),
    wsUrls: reader.list("WS_URLS"),
    webRoot: reader.optional("WEB_ROOT"),
    origins: readOrigins(reader),
    reservedUsers: reader.list("RESERVED_USERS", RESERVED_USERS),
    connectionsPerAddressMax: reader.int("CONNECTIONS_PER_ADDRESS_MAX", {
      default: 1_000,
      min: 0,
      max: 2_000_000,
    }),
    signInsPerSecond: reader.int("SIGN_INS_PER_SECOND", { default: 5, min: 1, max: 10_000 }),
    requestsPerSecond: reader.int("REQUESTS_PER_SECOND", { default: 100, min: 1, max: 100_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}

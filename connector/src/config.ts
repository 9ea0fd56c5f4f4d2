import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { PeopleConfig } from "@jichat/identity/people-config.ts";
import { readPeopleConfig } from "@jichat/identity/people-config.ts";
import type { ProxyTrust } from "@jichat/edge/client-address.ts";
import { readProxyTrust } from "@jichat/edge/proxy-config.ts";
import type { TokenConfig } from "@jichat/identity/token-config.ts";
import { readTokenConfig } from "@jichat/identity/token-config.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { TICKET_LIFE_MS } from "@jichat/protocol/lives.ts";
import { readRedisTls } from "@jichat/runtime/backend-tls.ts";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { LogOptions } from "@jichat/log/log-settings.ts";
import { readLogSettings } from "@jichat/log/log-settings.ts";
import { DEVICES_PER_USER_MAX } from "@jichat/presence/arrivals.ts";
import type { ProcessConfig } from "@jichat/runtime/process-config.ts";
import { readProcessConfig } from "@jichat/runtime/process-config.ts";
import type { IntakeLimits } from "./intake.ts";
import type { Tls } from "./tls-config.ts";
import { readTls } from "./tls-config.ts";

const HELD_BYTES_MAX = 16_777_216;

/** What stands behind one address: a household, or a company. */
interface AddressLimits {
  /** Of all its sockets together; 0: as much as each of them may say. */
  readonly framesPerSecondPerAddress: number;
  readonly handshakesPerSecond: number;
  readonly socketsPerAddressMax: number;
  /** With those that are no sockets, or not yet. */
  readonly connectionsPerAddressMax: number;
}

export interface Config extends ProcessConfig, AddressLimits {
  readonly redisUrl: string;
  readonly redisTls: BackendTls | undefined;
  readonly log: LogOptions;
  readonly tokens: TokenConfig;
  readonly people: PeopleConfig;
  readonly host: string;
  readonly port: number;
  /** Where it is there, sockets speak TLS; else whoever stands in front does. */
  readonly tls: Tls | undefined;
  /** Origins that a browser may come from; `*` lets all in. Who sends none is let in anyway. */
  readonly origins: readonly string[];
  readonly trustProxy: ProxyTrust;
  readonly heartbeatMs: number;
  readonly helloMs: number;
  readonly ticketLifeMs: number;
  readonly drainMs: number;
  readonly frameBytesMax: number;
  readonly bodyBytesMax: number;
  readonly bufferedBytesMax: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly framesPerSecond: number;
  readonly devicesPerUserMax: number;
  readonly socketsMax: number;
}

/** Called once, by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const tokens = readTokenConfig(reader);
  const messagesPerSecond = reader.int("MESSAGES_PER_SECOND", { default: 50, min: 1, max: 100_000 });
  // Of a user whose messages are let in, no socket is held back.
  const framesPerSecond = reader.int("FRAMES_PER_SECOND", {
    default: Math.max(200, 4 * messagesPerSecond),
    min: 1,
    max: 100_000_000,
  });
  const config: Config = {
    ...readProcessConfig(reader, "connector"),
    ...readAddressLimits(reader, framesPerSecond),
    redisUrl: reader.secretUrl("REDIS_URL", "redis://127.0.0.1:6379"),
    redisTls: readRedisTls(reader),
    log: readLogSettings(reader),
    tokens,
    people: readPeopleConfig(reader, !/^https?:/.test(tokens.keys), messagesPerSecond),
    host: reader.text("HOST", { default: "::" }),
    port: reader.int("PORT", { default: 8_081, min: 0, max: 65_535 }),
    tls: readTls(reader),
    origins: reader.list("ORIGINS"),
    trustProxy: readProxyTrust(reader),
    heartbeatMs: reader.int("HEARTBEAT_MS", { default: 25_000, min: 100, max: 600_000 }),
    helloMs: reader.int("HELLO_MS", { default: 5_000, min: 100, max: 60_000 }),
    ticketLifeMs: reader.int("TICKET_LIFE_MS", TICKET_LIFE_MS),
    drainMs: reader.int("DRAIN_MS", { default: 30_000, min: 0, max: 3_600_000 }),
    frameBytesMax: reader.int("FRAME_BYTES_MAX", {
      default: limits.FRAME_BYTES_MAX,
      min: 16_384,
      max: 1_048_576,
    }),
    bodyBytesMax: reader.int("BODY_BYTES_MAX", {
      default: limits.BODY_BYTES_MAX,
      min: 256,
      max: limits.BODY_BYTES_MAX,
    }),
    // A page is at most 256 KB: less than that here would close a device that asks for history, for ever.
    bufferedBytesMax: reader.int("BUFFERED_BYTES_MAX", { default: 1_048_576, min: 524_288, max: 16_777_216 }),
    messagesPerSecond,
    bytesPerSecond: reader.int("BYTES_PER_SECOND", { default: 262_144, min: 16_384, max: 1_073_741_824 }),
    framesPerSecond,
    devicesPerUserMax: reader.int("DEVICES_PER_USER_MAX", {
      default: DEVICES_PER_USER_MAX,
      min: 1,
      max: 1_000_000,
    }),
    socketsMax: reader.int("SOCKETS_MAX", { default: 50_000, min: 1, max: 1_000_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}

function readAddressLimits(reader: EnvReader, framesPerSecond: number): AddressLimits {
  const socketsPerAddressMax = reader.int("SOCKETS_PER_ADDRESS_MAX", {
    default: 2_000,
    min: 1,
    max: 1_000_000,
  });
  return {
    socketsPerAddressMax,
    // A frame a second of each of its sockets: people say a tenth of that.
    framesPerSecondPerAddress: reader.int("FRAMES_PER_SECOND_PER_ADDRESS", {
      default: Math.max(socketsPerAddressMax, 10 * framesPerSecond),
      min: 0,
      max: 1_000_000_000,
    }),
    handshakesPerSecond: reader.int("HANDSHAKES_PER_SECOND", { default: 100, min: 1, max: 100_000 }),
    // Some more than sockets, which are told why they are closed.
    connectionsPerAddressMax: reader.int("CONNECTIONS_PER_ADDRESS_MAX", {
      default: socketsPerAddressMax + 100,
      min: 0,
      max: 2_000_000,
    }),
  };
}

/**
 * A socket may say twice the bytes that its user may have taken: the limit that a user is told of is the one
 * that is met. As much as comes at once may wait, as long as it is no burden.
 */
export const intakeLimitsOf = (config: Config): IntakeLimits => ({
  framesPerSecond: config.framesPerSecond,
  bytesPerSecond: 2 * config.bytesPerSecond,
  heldBytesMax: Math.max(4 * config.frameBytesMax, Math.min(2 * config.bytesPerSecond, HELD_BYTES_MAX)),
});

import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { PeopleConfig } from "@jichat/identity/people-config.ts";
import { readPeopleConfig } from "@jichat/identity/people-config.ts";
import type { ProxyTrust } from "@jichat/edge/client-address.ts";
import { readOrigins } from "@jichat/edge/origins-config.ts";
import { readProxyTrust } from "@jichat/edge/proxy-config.ts";
import type { TokenConfig } from "@jichat/identity/token-config.ts";
import { readTokenConfig } from "@jichat/identity/token-config.ts";
import { PER_SECOND_MAX, SUCCESSOR_WAIT_MS_MAX } from "@jichat/protocol/drain.ts";
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
/** Of a label's value in Kubernetes. */
const REVISION_LENGTH_MAX = 63;

/** Limits of one address, which may be a household or a company. */
interface AddressLimits {
  /** For all sockets of the address together; 0 disables the limit. */
  readonly framesPerSecondPerAddress: number;
  readonly handshakesPerSecond: number;
  readonly socketsPerAddressMax: number;
  /** All connections of the address, including those that are not yet a WebSocket or never become one. */
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
  /** If set, sockets use TLS. Otherwise a proxy in front has to. */
  readonly tls: Tls | undefined;
  /** Origins of pages that may connect; `*` allows all. A request without an Origin is always allowed. */
  readonly origins: readonly string[];
  readonly trustProxy: ProxyTrust;
  readonly heartbeatMs: number;
  readonly helloMs: number;
  readonly ticketLifeMs: number;
  readonly drainMs: number;
  /** How long a process that stops waits for another connector, beyond its drain. */
  readonly successorWaitMs: number;
  /** The most devices that a process that ends sends away in any second; undefined: evenly over its drain. */
  readonly drainPerSecond: number | undefined;
  /** Which pod template the process was started from; empty outside Kubernetes. */
  readonly revision: string;
  /** Whether connectors that drain may count on it. Devices that come are taken all the same. */
  readonly takesDevices: boolean;
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
  // The default is high enough that no socket is slowed down while its user is within the message rate.
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
    origins: readOrigins(reader),
    trustProxy: readProxyTrust(reader),
    heartbeatMs: reader.int("HEARTBEAT_MS", { default: 25_000, min: 100, max: 600_000 }),
    helloMs: reader.int("HELLO_MS", { default: 5_000, min: 100, max: 60_000 }),
    ticketLifeMs: reader.int("TICKET_LIFE_MS", TICKET_LIFE_MS),
    drainMs: reader.int("DRAIN_MS", { default: 30_000, min: 0, max: 3_600_000 }),
    successorWaitMs: reader.int("SUCCESSOR_WAIT_MS", { default: 0, min: 0, max: SUCCESSOR_WAIT_MS_MAX }),
    drainPerSecond:
      reader.int("DRAIN_PER_SECOND", { default: 200, min: 0, max: PER_SECOND_MAX }) || undefined,
    revision: reader.text("REVISION", { default: "" }).slice(0, REVISION_LENGTH_MAX),
    takesDevices: reader.oneOf("TAKES_DEVICES", ["yes", "no"], "yes") === "yes",
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
    // A page has up to 256 KB. With a smaller buffer, a device that asks for history would be closed again
    // and again.
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
    // One frame a second from each socket: people send a tenth of that.
    framesPerSecondPerAddress: reader.int("FRAMES_PER_SECOND_PER_ADDRESS", {
      default: Math.max(socketsPerAddressMax, 10 * framesPerSecond),
      min: 0,
      max: 1_000_000_000,
    }),
    handshakesPerSecond: reader.int("HANDSHAKES_PER_SECOND", { default: 100, min: 1, max: 100_000 }),
    // More than the socket limit, so that a socket over its limit can still be told why it is closed.
    connectionsPerAddressMax: reader.int("CONNECTIONS_PER_ADDRESS_MAX", {
      default: socketsPerAddressMax + 100,
      min: 0,
      max: 2_000_000,
    }),
  };
}

/**
 * A socket may send twice its user's byte rate. So a client meets the user's limit first, which is the
 * documented one. Frames that wait may have the bytes of one second, at most `HELD_BYTES_MAX`, but at least
 * four of the largest frames.
 */
export const intakeLimitsOf = (config: Config): IntakeLimits => ({
  framesPerSecond: config.framesPerSecond,
  bytesPerSecond: 2 * config.bytesPerSecond,
  heldBytesMax: Math.max(4 * config.frameBytesMax, Math.min(2 * config.bytesPerSecond, HELD_BYTES_MAX)),
});

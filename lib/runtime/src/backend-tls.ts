import type { BackendTls } from "./tls-material.ts";
import { createSecureContext } from "node:tls";
import type { EnvReader } from "./env-reader.ts";

/**
 * Made of three secrets, as PEM; undefined where none is given. Tried here: a library would say of what is no
 * certificate only that the connection failed, again and again.
 */
export function backendTls(
  reader: Pick<EnvReader, "refuse">,
  backend: string,
  ca: string | undefined,
  cert: string | undefined,
  key: string | undefined,
): BackendTls | undefined {
  if ([ca, cert, key].every((one) => one === undefined)) return undefined;
  if ((cert === undefined) !== (key === undefined))
    reader.refuse(`${backend}_CERT_FILE and ${backend}_KEY_FILE go together: one of them is not set`);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    reader.refuse(`${backend}_CA_FILE, ${backend}_CERT_FILE and ${backend}_KEY_FILE are not PEM: ${why}`);
  }
  return tls;
}

export const readNatsTls = (reader: EnvReader): BackendTls | undefined =>
  backendTls(
    reader,
    "NATS",
    reader.optionalSecret("NATS_CA"),
    reader.optionalSecret("NATS_CERT"),
    reader.optionalSecret("NATS_KEY"),
  );

export const readRedisTls = (reader: EnvReader): BackendTls | undefined =>
  backendTls(
    reader,
    "REDIS",
    reader.optionalSecret("REDIS_CA"),
    reader.optionalSecret("REDIS_CERT"),
    reader.optionalSecret("REDIS_KEY"),
  );

export const readClickHouseTls = (reader: EnvReader): BackendTls | undefined =>
  backendTls(
    reader,
    "CLICKHOUSE",
    reader.optionalSecret("CLICKHOUSE_CA"),
    reader.optionalSecret("CLICKHOUSE_CERT"),
    reader.optionalSecret("CLICKHOUSE_KEY"),
  );

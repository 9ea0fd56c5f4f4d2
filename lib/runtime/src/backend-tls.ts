import type { BackendTls } from "./tls-material.ts";
import { createSecureContext } from "node:tls";
import type { EnvReader } from "./env-reader.ts";

interface PemTexts {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * Makes TLS options from three PEM secrets; `undefined` if none is set. The PEM is parsed here: with a bad
 * certificate a client library would only report failed connections, again and again.
 */
function backendTls(
  reader: Pick<EnvReader, "refuse">,
  backend: string,
  { ca, cert, key }: PemTexts,
): BackendTls | undefined {
  if ([ca, cert, key].every((one) => one === undefined)) return undefined;
  if ((cert === undefined) !== (key === undefined))
    reader.refuse(
      `${backend}_CERT_FILE and ${backend}_KEY_FILE go together, but one of them is not set: set both or none`,
    );
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
  backendTls(reader, "NATS", {
    ca: reader.optionalSecret("NATS_CA"),
    cert: reader.optionalSecret("NATS_CERT"),
    key: reader.optionalSecret("NATS_KEY"),
  });

export const readRedisTls = (reader: EnvReader): BackendTls | undefined =>
  backendTls(reader, "REDIS", {
    ca: reader.optionalSecret("REDIS_CA"),
    cert: reader.optionalSecret("REDIS_CERT"),
    key: reader.optionalSecret("REDIS_KEY"),
  });

export const readClickHouseTls = (reader: EnvReader): BackendTls | undefined =>
  backendTls(reader, "CLICKHOUSE", {
    ca: reader.optionalSecret("CLICKHOUSE_CA"),
    cert: reader.optionalSecret("CLICKHOUSE_CERT"),
    key: reader.optionalSecret("CLICKHOUSE_KEY"),
  });

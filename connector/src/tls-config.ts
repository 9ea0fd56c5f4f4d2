import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/** PEM files: the certificate with the chain that leads to its root, and its key. */
export interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * `TLS_CERT_FILE` and `TLS_KEY_FILE`, both or none. Tried here, since uWebSockets.js takes what cannot be
 * used without a word, and ends each handshake. Read once: a new certificate comes with a new start.
 */
export function readTls(reader: EnvReader): Tls | undefined {
  const certFile = reader.optional("TLS_CERT_FILE");
  const keyFile = reader.optional("TLS_KEY_FILE");
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    reader.refuse("TLS_CERT_FILE and TLS_KEY_FILE go together: one of them is not set");
    return undefined;
  }
  try {
    createSecureContext({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    reader.refuse(`TLS_CERT_FILE and TLS_KEY_FILE are no certificate and its key, as PEM: ${why}`);
  }
  return { certFile, keyFile };
}

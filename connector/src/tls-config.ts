import { X509Certificate } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/** PEM files: the certificate with its chain, and its key. */
export interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The content of those files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Expiry in milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Reads `TLS_CERT_FILE` and `TLS_KEY_FILE`: both or none. The files are checked here, because uWebSockets.js
 * accepts unusable ones without an error and then fails each handshake.
 */
export function readTls(reader: EnvReader): Tls | undefined {
  const certFile = reader.optional("TLS_CERT_FILE");
  const keyFile = reader.optional("TLS_KEY_FILE");
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    reader.refuse("TLS_CERT_FILE and TLS_KEY_FILE go together, but one of them is not set: set both or none");
    return undefined;
  }
  try {
    readCertificate({ certFile, keyFile });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    reader.refuse(`TLS_CERT_FILE and TLS_KEY_FILE are not a certificate and its key in PEM: ${why}`);
  }
  return { certFile, keyFile };
}

/** Throws if they are not a certificate and the matching key. */
export function certificateOf(cert: string, key: string): Certificate {
  createSecureContext({ cert, key });
  return { cert, key, expiresAt: new X509Certificate(cert).validToDate.getTime() };
}

export const readCertificate = ({ certFile, keyFile }: Tls): Certificate =>
  certificateOf(readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8"));

/**
 * The files behind all symbolic links. A Secret's volume replaces one link to a folder, so both paths
 * resolved here belong to the same version.
 */
export const realFiles = ({ certFile, keyFile }: Tls): Tls => ({
  certFile: realpathSync(certFile),
  keyFile: realpathSync(keyFile),
});

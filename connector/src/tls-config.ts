import { X509Certificate } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/** PEM files: the certificate with the chain that leads to its root, and its key. */
export interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What such files hold. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** When it is over, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * `TLS_CERT_FILE` and `TLS_KEY_FILE`, both or none. Tried here, since uWebSockets.js takes what cannot be
 * used without a word, and ends each handshake.
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
    readCertificate({ certFile, keyFile });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    reader.refuse(`TLS_CERT_FILE and TLS_KEY_FILE are no certificate and its key, as PEM: ${why}`);
  }
  return { certFile, keyFile };
}

/** Throws where they are no certificate and the key that belongs to it. */
export function certificateOf(cert: string, key: string): Certificate {
  createSecureContext({ cert, key });
  return { cert, key, expiresAt: new X509Certificate(cert).validToDate.getTime() };
}

export const readCertificate = ({ certFile, keyFile }: Tls): Certificate =>
  certificateOf(readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8"));

/**
 * The files themselves, behind all links: a Secret's volume puts a link to another folder in the place of the
 * one before, and what is read of both is then of one time.
 */
export const realFiles = ({ certFile, keyFile }: Tls): Tls => ({
  certFile: realpathSync(certFile),
  keyFile: realpathSync(keyFile),
});

import { X509Certificate, randomBytes } from "node:crypto";
import { generate } from "selfsigned";

export interface Pair {
  readonly cert: string;
  readonly key: string;
  /** As `getPeerCertificate` names it. */
  readonly fingerprint: string;
}

export interface CertificateOptions {
  /** Whom it is for; default: loopback. */
  readonly ip?: string;
  /** When it is over; default: in a year. */
  readonly notAfterDate?: Date;
}

/** A certificate for an address that vouches for itself, and its key. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<Pair> {
  const { ip = "127.0.0.1", notAfterDate } = options;
  // Of several of one name a client would hold each against the first.
  const value = `chat-${randomBytes(4).toString("hex")}.example`;
  const { cert, private: key } = await generate([{ name: "commonName", value }], {
    ...(notAfterDate === undefined ? {} : { notBeforeDate: new Date(0), notAfterDate }),
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip }] },
    ],
  });
  return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 };
}

import { X509Certificate, randomBytes } from "node:crypto";
import { generate } from "selfsigned";

export interface Pair {
  readonly cert: string;
  readonly key: string;
  /** In the format of `getPeerCertificate`. */
  readonly fingerprint: string;
}

export interface CertificateOptions {
  /** The address that the certificate is for. Default: loopback. */
  readonly ip?: string;
  /** When the certificate expires. Default: in a year. */
  readonly notAfterDate?: Date;
}

/** Makes a self-signed certificate for an address, with its key. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<Pair> {
  const { ip = "127.0.0.1", notAfterDate } = options;
  // If several certificates had the same name, a client would check each against the first.
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

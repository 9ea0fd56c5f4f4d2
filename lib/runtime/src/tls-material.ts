/**
 * PEM texts for a backend: the CA to trust in place of public ones, and our own certificate and key (mTLS).
 */
export interface BackendTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

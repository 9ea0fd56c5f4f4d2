/** What a backend's certificate is held against in place of public CAs; and the one that we show (mTLS). */
export interface BackendTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

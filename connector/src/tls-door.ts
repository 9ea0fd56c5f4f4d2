import type * as uws from "uWebSockets.js";
import type { Reread } from "@jichat/runtime/reread.ts";
import type { Certificate, Tls } from "./tls-config.ts";
import { certificateOf, readCertificate, realFiles } from "./tls-config.ts";

/** Methods of uWebSockets.js that its types lack: one app accepts connections, another one serves them. */
interface Serves extends uws.TemplatedApp {
  getDescriptor(): number;
}
interface Accepts extends uws.TemplatedApp {
  addChildAppDescriptor(descriptor: number): this;
  removeChildAppDescriptor(descriptor: number): this;
}

type Route = (app: uws.TemplatedApp) => uws.TemplatedApp;

/**
 * Serves TLS and can change the certificate while it runs. An app of uWebSockets.js cannot change its
 * certificate. So one app listens for the life of the process, and hands each connection to a second app with
 * the current certificate. Only that second app is replaced. Open sockets stay with their app. No pending
 * connection is lost, because the listener never closes.
 */
export class TlsDoor {
  readonly #library: typeof uws;
  readonly #tls: Tls;
  readonly #route: Route;
  readonly #accepts: Accepts;
  readonly #atStart: Certificate;
  #serves: Serves;
  #current: Certificate;

  /** Throws if the files are not a certificate and its key. */
  constructor(library: typeof uws, tls: Tls, route: Route) {
    this.#library = library;
    this.#tls = tls;
    this.#route = route;
    const { app, certificate } = this.#open();
    this.#current = certificate;
    this.#atStart = certificate;
    this.#serves = app;
    const { certFile, keyFile } = realFiles(tls);
    this.#accepts = library.SSLApp({ cert_file_name: certFile, key_file_name: keyFile }) as Accepts;
    this.#accepts.addChildAppDescriptor(app.getDescriptor());
  }

  /** Seconds until the current certificate expires; negative after that. `now` is in ms since 1970. */
  expiresInSeconds(now: number): number {
    return (this.#current.expiresAt - now) / 1_000;
  }

  get listener(): uws.TemplatedApp {
    return this.#accepts;
  }

  get reread(): Reread {
    const { certFile, keyFile } = this.#tls;
    const { cert, key } = this.#atStart;
    return {
      what: "certificate",
      files: [certFile, keyFile],
      atStart: [cert, key],
      take: ([newCert = "", newKey = ""]) => {
        this.#renew(certificateOf(newCert, newKey));
      },
    };
  }

  /** Serves new connections with the new certificate. Throws, and changes nothing, if it cannot. */
  #renew(wanted: Certificate): void {
    if (wanted.expiresAt <= Date.now() && wanted.expiresAt < this.#current.expiresAt)
      throw new Error(`the certificate expired at ${new Date(wanted.expiresAt).toISOString()}`);
    const { app, certificate } = this.#open();
    if (certificate.cert !== wanted.cert || certificate.key !== wanted.key)
      throw new Error("the files changed while they were read");
    this.#accepts.addChildAppDescriptor(app.getDescriptor());
    this.#accepts.removeChildAppDescriptor(this.#serves.getDescriptor());
    this.#serves = app;
    this.#current = certificate;
  }

  /**
   * Creates an app with the present files. The library reads them itself and does not report what it read, so
   * they are read before and after, and must not have changed.
   */
  #open(): { readonly app: Serves; readonly certificate: Certificate } {
    const files = realFiles(this.#tls);
    const before = readCertificate(files);
    const app = this.#library.SSLApp({ cert_file_name: files.certFile, key_file_name: files.keyFile });
    const behind = readCertificate(files);
    if (before.cert !== behind.cert || before.key !== behind.key)
      throw new Error("the files changed while they were read");
    return { app: this.#route(app) as Serves, certificate: behind };
  }
}

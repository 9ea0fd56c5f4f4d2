import type * as uws from "uWebSockets.js";
import type { Reread } from "@jichat/runtime/reread.ts";
import type { Certificate, Tls } from "./tls-config.ts";
import { certificateOf, readCertificate, realFiles } from "./tls-config.ts";

/** What uWebSockets.js has and its types leave out: an app takes connections, others serve them. */
interface Serves extends uws.TemplatedApp {
  getDescriptor(): number;
}
interface Accepts extends uws.TemplatedApp {
  addChildAppDescriptor(descriptor: number): this;
  removeChildAppDescriptor(descriptor: number): this;
}

type Route = (app: uws.TemplatedApp) => uws.TemplatedApp;

/**
 * Speaks TLS, with another certificate whenever one is taken over. An app of uWebSockets.js has its
 * certificate for good. So one app listens and accepts for as long as the process lives, and hands each
 * connection to another, which has the current certificate: that one alone is replaced. Sockets stay with the
 * app that they came to; what waits to be accepted is lost by nobody, since nobody stops listening.
 */
export class TlsDoor {
  readonly #library: typeof uws;
  readonly #tls: Tls;
  readonly #route: Route;
  readonly #accepts: Accepts;
  readonly #atStart: Certificate;
  #serves: Serves;
  #current: Certificate;

  /** Throws where the files are no certificate and its key. */
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

  /** Seconds until the certificate in use is over; negative behind that. */
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

  /** Connections are served with it from the next one on; throws, and nothing changes, where it cannot. */
  #renew(wanted: Certificate): void {
    if (wanted.expiresAt <= Date.now() && wanted.expiresAt < this.#current.expiresAt)
      throw new Error(`it was over at ${new Date(wanted.expiresAt).toISOString()}`);
    const { app, certificate } = this.#open();
    if (certificate.cert !== wanted.cert || certificate.key !== wanted.key)
      throw new Error("the files have changed while they were read");
    this.#accepts.addChildAppDescriptor(app.getDescriptor());
    this.#accepts.removeChildAppDescriptor(this.#serves.getDescriptor());
    this.#serves = app;
    this.#current = certificate;
  }

  /**
   * An app with what the files hold now. The library reads them itself, and says nothing of what it found: so
   * they are read before and behind it.
   */
  #open(): { readonly app: Serves; readonly certificate: Certificate } {
    const files = realFiles(this.#tls);
    const before = readCertificate(files);
    const app = this.#library.SSLApp({ cert_file_name: files.certFile, key_file_name: files.keyFile });
    const behind = readCertificate(files);
    if (before.cert !== behind.cert || before.key !== behind.key)
      throw new Error("the files have changed while they were read");
    return { app: this.#route(app) as Serves, certificate: behind };
  }
}

import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { constants, createSecureServer, createServer } from "node:http2";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApnsReason } from "./apns-checks.ts";
import { APNS_STATUS, ApnsRefusal, checkHeaders, checkToken } from "./apns-checks.ts";
import type { Fault } from "./fault-plan.ts";
import { FaultPlan, bodyText } from "./fault-plan.ts";
import { Received } from "./received.ts";

export interface ApnsPush {
  readonly token: string;
  readonly headers: IncomingHttpHeaders;
  readonly payload: Readonly<Record<string, unknown>>;
}

export type ApnsFault =
  | Fault
  /** One of Apple's reasons, with its status. */
  | { readonly is: "reason"; readonly reason: ApnsReason }
  /** Ends the stream as one that was not looked at. */
  | { readonly is: "refuse" }
  /** Tells the connection to end, and works. */
  | { readonly is: "goaway" }
  /** Breaks all connections, with all that is in flight and without a word. */
  | { readonly is: "drop" };

export interface ApnsOptions {
  /** A certificate and its key. Absent, it is HTTP/2 without TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly streamsMax?: number;
  readonly port?: number;
}

const TOPIC = "chat.ji.test";
const KEY_ID = "ABC123DEFG";
const TEAM_ID = "DEF123GHIJ";
const PAYLOAD_BYTES_MAX = 4_096;

/**
 * APNs on loopback, over HTTP/2. It refuses what Apple refuses, with Apple's reasons: a JWT of another key or
 * too old, headers that are missing or wrong, a payload that is empty or too large, tokens that are unknown,
 * of another app, or not registered any more.
 */
export class ApnsService {
  readonly faults = new FaultPlan<ApnsFault>();
  /** Connections that were ever made. */
  connections = 0;
  /** Most streams that were ever open at once. */
  streamsAtOnce = 0;
  readonly #received = new Received<ApnsPush>();
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #tokens = new Map<string, "registered" | "gone" | "other">();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;
  readonly #scheme: string;
  readonly #ended = new AbortController();
  #open = 0;

  private constructor({ tls, streamsMax = 1_000 }: ApnsOptions) {
    const settings = { maxConcurrentStreams: streamsMax };
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = tls === undefined ? createServer({ settings }) : createSecureServer({ ...tls, settings });
    this.#server.on("connection", (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("error", () => session.destroy());
      session.on("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.#open += 1;
      this.streamsAtOnce = Math.max(this.streamsAtOnce, this.#open);
      stream.on("close", () => (this.#open -= 1));
      stream.on("error", () => stream.destroy());
      this.#serve(stream, headers).catch((error: unknown) => {
        // A fault of the service itself: the test that meets it shows it.
        if (!stream.destroyed) end(stream, 500, { "content-type": "text/plain" }, String(error));
      });
    });
  }

  static async start(options: ApnsOptions = {}): Promise<ApnsService> {
    const service = new ApnsService(options);
    await new Promise<void>((resolve, reject) => {
      service.#server.once("error", reject);
      service.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return service;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get received(): readonly ApnsPush[] {
    return this.#received.all;
  }

  /** The text of `apns.json`, with this service's address. */
  credentialsFile(key: KeyObject = this.#keys.privateKey): string {
    return JSON.stringify({
      keyId: KEY_ID,
      teamId: TEAM_ID,
      topic: TOPIC,
      key: key.export({ type: "pkcs8", format: "pem" }),
      endpoint: this.url,
    });
  }

  /** Makes what an app gets on its device. */
  register(): string {
    const token = randomBytes(32).toString("hex");
    this.#tokens.set(token, "registered");
    return token;
  }

  /** A token of another app, which answers DeviceTokenNotForTopic. */
  registerOther(): string {
    const token = this.register();
    this.#tokens.set(token, "other");
    return token;
  }

  /** The app was removed: pushes to it are Unregistered. */
  unregister(token: string): void {
    this.#tokens.set(token, "gone");
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const body = await bodyOf(stream);
    const fault = this.faults.take();
    if (fault?.is === "silent") return;
    if (fault?.is === "reset" || fault?.is === "refuse") {
      stream.close(
        fault.is === "reset" ? constants.NGHTTP2_INTERNAL_ERROR : constants.NGHTTP2_REFUSED_STREAM,
      );
      return;
    }
    if (fault?.is === "drop") {
      this.#drop();
      return;
    }
    if (fault?.is === "goaway") stream.session?.goaway(0, stream.id ?? 0);
    if (fault?.is === "slow")
      await sleep(fault.ms, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
    if (stream.destroyed) return;
    if (fault?.is === "answer") {
      end(stream, fault.status, fault.headers ?? {}, bodyText(fault.body));
      return;
    }
    try {
      if (fault?.is === "reason") throw new ApnsRefusal(fault.reason);
      await this.#take(headers, body);
      end(stream, 200, { "apns-id": String(headers["apns-id"]) }, "");
    } catch (error) {
      if (!(error instanceof ApnsRefusal)) throw error;
      const { reason } = error;
      const timestamp = reason === "Unregistered" ? { timestamp: Date.now() } : {};
      end(stream, APNS_STATUS[reason], {}, JSON.stringify({ reason, ...timestamp }));
    }
  }

  async #take(headers: IncomingHttpHeaders, body: Buffer): Promise<void> {
    const token = checkHeaders(headers, TOPIC);
    const key = { publicKey: this.#keys.publicKey, keyId: KEY_ID, teamId: TEAM_ID };
    await checkToken(headers.authorization, key);
    if (body.length === 0) throw new ApnsRefusal("PayloadEmpty");
    if (body.length > PAYLOAD_BYTES_MAX) throw new ApnsRefusal("PayloadTooLarge");
    const state = this.#tokens.get(token);
    if (state === undefined) throw new ApnsRefusal("BadDeviceToken");
    if (state === "other") throw new ApnsRefusal("DeviceTokenNotForTopic");
    if (state === "gone") throw new ApnsRefusal("Unregistered");
    const payload = JSON.parse(body.toString()) as ApnsPush["payload"];
    this.#received.add({ token, headers, payload });
  }
}

function end(stream: ServerHttp2Stream, status: number, headers: object, body: string): void {
  stream.respond({ ":status": status, ...headers });
  stream.end(body);
}

async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

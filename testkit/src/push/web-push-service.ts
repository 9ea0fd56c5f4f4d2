import { createECDH, createPublicKey, randomBytes } from "node:crypto";
import type { ECDH } from "node:crypto";
import { jwtVerify } from "jose";
import type { PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import { decryptPush } from "./aes128gcm.ts";
import { FaultPlan } from "./fault-plan.ts";
import type { Asked, LoopbackOptions, Reply } from "./loopback-server.ts";
import { LoopbackServer } from "./loopback-server.ts";
import { Received } from "./received.ts";
import { Refusal } from "./refusal.ts";

type WebPushTarget = Extract<PushTarget, { readonly kind: "webpush" }>;

export interface WebPush {
  /** The endpoint that it came to. */
  readonly endpoint: string;
  readonly ttl: number;
  readonly topic: string | undefined;
  readonly urgency: string;
  /** Decrypted, and parsed as JSON. */
  readonly payload: unknown;
  /** Of the encrypted body. */
  readonly bytes: number;
}

interface Subscription {
  readonly keys: ECDH;
  readonly auth: Buffer;
  readonly vapidPublicKey: string | undefined;
  isGone: boolean;
}

const BODY_BYTES_MAX = 4_096;
const EXPIRES_MAX_S = 86_400;
const URGENCIES = new Set(["very-low", "low", "normal", "high"]);

/**
 * A push service on loopback (RFC 8030) that refuses what real ones refuse: a JWT for another origin, of
 * another key, expired or for more than a day (RFC 8292), no TTL, a Topic that is too long, more than 4,096
 * bytes. It decrypts like the browser behind it, and refuses what that could not read.
 */
export class WebPushService {
  readonly faults: FaultPlan;
  readonly #received = new Received<WebPush>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #server: LoopbackServer;

  private constructor(server: LoopbackServer, faults: FaultPlan) {
    this.#server = server;
    this.faults = faults;
  }

  static async start(options: Pick<LoopbackOptions, "host" | "port" | "tls"> = {}): Promise<WebPushService> {
    const faults = new FaultPlan();
    const { promise, resolve } = Promise.withResolvers<WebPushService>();
    const answer = async (asked: Asked): Promise<Reply> => (await promise).#answer(asked);
    const server = await LoopbackServer.start({ ...options, faults, answer });
    resolve(new WebPushService(server, faults));
    return promise;
  }

  get url(): string {
    return this.#server.url;
  }

  get received(): readonly WebPush[] {
    return this.#received.all;
  }

  /**
   * Makes what a browser gives its page. Only the owner of `vapidPublicKey` may push to it, if that is set.
   */
  subscribe(vapidPublicKey?: string, url = this.url): WebPushTarget {
    const keys = createECDH("prime256v1");
    const p256dh = keys.generateKeys("base64url");
    const auth = randomBytes(16);
    const path = `/push/${randomBytes(12).toString("base64url")}`;
    this.#subscriptions.set(path, { keys, auth, vapidPublicKey, isGone: false });
    return { kind: "webpush", endpoint: `${url}${path}`, p256dh, auth: auth.toString("base64url") };
  }

  /** The browser has dropped the subscription: pushes to it answer 410. */
  unsubscribe(endpoint: string): void {
    const subscription = this.#subscriptions.get(new URL(endpoint).pathname);
    if (subscription !== undefined) subscription.isGone = true;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  async #answer(asked: Asked): Promise<Reply> {
    try {
      const subscription = this.#subscriptions.get(asked.path);
      if (subscription === undefined) throw new Refusal(404, "no such subscription");
      if (subscription.isGone) throw new Refusal(410, "the subscription has ended");
      if (asked.method !== "POST") throw new Refusal(405, "not POST");
      const host = asked.header("host") ?? "";
      const origin = `${new URL(this.url).protocol}//${host}`;
      await checkVapid(asked.header("authorization"), origin, subscription.vapidPublicKey);
      this.#received.add(take(asked, `${origin}${asked.path}`, subscription));
      return { status: 201, headers: { location: `${origin}/message/${this.#received.total}` } };
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: error.body };
      throw error;
    }
  }
}

function take(asked: Asked, endpoint: string, { keys, auth }: Subscription): WebPush {
  const { body } = asked;
  const [ttl, topic, urgency = "normal"] = ["ttl", "topic", "urgency"].map(asked.header);
  if (ttl === undefined || !/^\d{1,10}$/.test(ttl)) throw new Refusal(400, "no TTL");
  if (topic !== undefined && !/^[\w-]{1,32}$/.test(topic)) throw new Refusal(400, "not a Topic");
  if (!URGENCIES.has(urgency)) throw new Refusal(400, "not an Urgency");
  if (asked.header("content-encoding") !== "aes128gcm") throw new Refusal(400, "not aes128gcm");
  if (body.length > BODY_BYTES_MAX) throw new Refusal(413, "too large");
  let payload: unknown;
  try {
    payload = JSON.parse(decryptPush(body, keys, auth).toString());
  } catch (error) {
    throw new Refusal(400, `not readable with the subscription's keys: ${String(error)}`);
  }
  return { endpoint, ttl: Number(ttl), topic, urgency, payload, bytes: body.length };
}

/** Throws a Refusal, unless the header is a good one of RFC 8292 for this origin. */
async function checkVapid(header: string | undefined, origin: string, allowedKey: string | undefined) {
  const [, token, key] = /^vapid t=([^,\s]+), ?k=([\w-]+)$/i.exec(header ?? "") ?? [];
  if (token === undefined || key === undefined) throw new Refusal(401, "no VAPID header");
  const point = Buffer.from(key, "base64url");
  if (point.length !== 65) throw new Refusal(401, "k is not a key");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  let claims: { readonly exp?: number; readonly sub?: string };
  try {
    const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    const checked = await jwtVerify(token, publicKey, { audience: origin, algorithms: ["ES256"] });
    claims = checked.payload;
  } catch (error) {
    throw new Refusal(403, `the JWT is refused: ${String(error)}`);
  }
  const { exp = Infinity, sub = "" } = claims;
  if (exp > Date.now() / 1_000 + EXPIRES_MAX_S) throw new Refusal(403, "exp is more than a day away");
  if (!/^(mailto:|https:)/.test(sub)) throw new Refusal(403, "sub is not a contact");
  if (allowedKey !== undefined && key !== allowedKey) throw new Refusal(403, "another key's subscription");
}

import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { jwtVerify } from "jose";
import { FaultPlan } from "./fault-plan.ts";
import { fcmError, fcmFieldError, googleError } from "./fcm-errors.ts";
import type { Asked, LoopbackOptions, Reply } from "./loopback-server.ts";
import { LoopbackServer } from "./loopback-server.ts";
import { Received } from "./received.ts";

/** The `message` of a request. */
export interface FcmMessage {
  readonly token: string;
  readonly notification?: { readonly title?: string; readonly body?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly android?: {
    readonly collapse_key?: string;
    readonly priority?: string;
    readonly ttl?: string;
    readonly notification?: object;
  };
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const LIFE_S = 3_600;
const MESSAGE_BYTES_MAX = 4_096;
const PROJECT = "jichat-test";
const EMAIL = "push@jichat-test.iam.gserviceaccount.com";

/**
 * FCM HTTP v1 on loopback, with the token endpoint of its service account. It refuses what Google refuses: an
 * assertion that is not the account's, an access token that has ended, another project, a message that breaks
 * its schema or is too large, a token that is unknown or not registered any more.
 */
export class FcmService {
  /** Faults of `messages:send`. */
  readonly faults: FaultPlan;
  /** Faults of the token endpoint. */
  readonly tokenFaults: FaultPlan;
  /** Seconds that new access tokens live. */
  tokenLifeS = LIFE_S;
  readonly #received = new Received<FcmMessage>();
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  readonly #tokens = new Map<string, "registered" | "gone">();
  readonly #access = new Map<string, number>();
  readonly #api: LoopbackServer;
  readonly #oauth: LoopbackServer;

  private constructor(
    servers: readonly [LoopbackServer, LoopbackServer],
    faults: readonly [FaultPlan, FaultPlan],
  ) {
    [this.#api, this.#oauth] = servers;
    [this.faults, this.tokenFaults] = faults;
  }

  /** With `port` the API comes back to where it was. */
  static async start(options: Pick<LoopbackOptions, "port"> = {}): Promise<FcmService> {
    const [faults, tokenFaults] = [new FaultPlan(), new FaultPlan()];
    const { promise, resolve } = Promise.withResolvers<FcmService>();
    const api = async (asked: Asked): Promise<Reply> => (await promise).#send(asked);
    const oauth = async (asked: Asked): Promise<Reply> => (await promise).#exchange(asked);
    const servers = [
      await LoopbackServer.start({ ...options, faults, answer: api }),
      await LoopbackServer.start({ faults: tokenFaults, answer: oauth }),
    ] as const;
    resolve(new FcmService(servers, [faults, tokenFaults]));
    return promise;
  }

  get url(): string {
    return this.#api.url;
  }

  get received(): readonly FcmMessage[] {
    return this.#received.all;
  }

  /** Access tokens that were given out. */
  get exchanges(): number {
    return this.#access.size;
  }

  /** The text of the service account's file, with this service's addresses. */
  accountFile(key: KeyObject = this.#keys.privateKey): string {
    return JSON.stringify({
      type: "service_account",
      project_id: PROJECT,
      private_key_id: "test-key",
      private_key: key.export({ type: "pkcs8", format: "pem" }),
      client_email: EMAIL,
      token_uri: `${this.#oauth.url}/token`,
      endpoint: this.url,
    });
  }

  /** Makes what an app gets on its device. */
  register(): string {
    const token = `fcm_${randomBytes(24).toString("base64url")}`;
    this.#tokens.set(token, "registered");
    return token;
  }

  /** The app was removed: pushes to it are UNREGISTERED. */
  unregister(token: string): void {
    this.#tokens.set(token, "gone");
  }

  /** All access tokens end now. */
  revoke(): void {
    for (const token of this.#access.keys()) this.#access.set(token, 0);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#api.stop(), this.#oauth.stop()]);
  }

  async #exchange({ method, path, body }: Asked): Promise<Reply> {
    const refuse = (error: string, error_description: string): Reply => ({
      status: 400,
      body: { error, error_description },
    });
    if (method !== "POST" || path !== "/token") return { status: 404 };
    const form = new URLSearchParams(body.toString());
    if (form.get("grant_type") !== GRANT) return refuse("unsupported_grant_type", "not a JWT grant");
    const checks = { issuer: EMAIL, audience: `${this.#oauth.url}/token`, algorithms: ["RS256"] };
    try {
      const { payload } = await jwtVerify(form.get("assertion") ?? "", this.#keys.publicKey, checks);
      const { iat = 0, exp = Infinity } = payload;
      if (exp - iat > LIFE_S) return refuse("invalid_grant", "exp is more than an hour after iat");
      if (payload["scope"] !== SCOPE) return refuse("invalid_scope", "not the scope of messaging");
    } catch (error) {
      return refuse("invalid_grant", `Invalid JWT Signature: ${String(error)}`);
    }
    const token = `ya29.${randomBytes(24).toString("base64url")}`;
    this.#access.set(token, Date.now() + this.tokenLifeS * 1_000);
    return { status: 200, body: { access_token: token, expires_in: this.tokenLifeS, token_type: "Bearer" } };
  }

  async #send(asked: Asked): Promise<Reply> {
    const [, bearer = ""] = /^Bearer (.+)$/.exec(asked.header("authorization") ?? "") ?? [];
    if ((this.#access.get(bearer) ?? 0) <= Date.now()) return googleError(401, "UNAUTHENTICATED");
    if (asked.path !== `/v1/projects/${PROJECT}/messages:send`) return googleError(404, "NOT_FOUND");
    const { message } = JSON.parse(asked.body.toString()) as { readonly message: FcmMessage };
    const wrong = faultIn(message);
    if (wrong !== undefined) return wrong;
    const state = this.#tokens.get(message.token);
    if (state === undefined)
      return fcmFieldError("message.token", "The registration token is not a valid FCM registration token");
    if (state === "gone") return fcmError("UNREGISTERED", "Requested entity was not found.");
    this.#received.add(message);
    return { status: 200, body: { name: `projects/${PROJECT}/messages/${this.#received.total}` } };
  }
}

/** What breaks the schema of v1; `undefined` if nothing does. */
function faultIn({ data = {}, notification = {}, android = {}, ...rest }: FcmMessage): Reply | undefined {
  const others = Object.keys(rest).filter((name) => !["token", "apns", "webpush", "topic"].includes(name));
  if (others.length > 0) return fcmFieldError(`message.${others[0]}`, "Cannot find field.");
  const wrong = Object.entries(data).find(([, value]) => typeof value !== "string");
  if (wrong !== undefined) return fcmFieldError(`message.data[0].value`, "Invalid value (TYPE_STRING)");
  const { priority = "NORMAL", ttl = "0s" } = android;
  if (!["NORMAL", "HIGH"].includes(priority))
    return fcmFieldError("message.android.priority", "Invalid value");
  if (!/^\d+(\.\d{1,9})?s$/.test(ttl)) return fcmFieldError("message.android.ttl", "Illegal duration format");
  const bytes = [...Object.entries(data), ...Object.entries(notification)]
    .flat()
    .reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
  return bytes > MESSAGE_BYTES_MAX ? fcmError("INVALID_ARGUMENT", "Android message is too big") : undefined;
}

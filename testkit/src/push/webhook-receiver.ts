import { randomBytes } from "node:crypto";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { FaultPlan } from "./fault-plan.ts";
import type { Asked, LoopbackOptions, Reply } from "./loopback-server.ts";
import { LoopbackServer } from "./loopback-server.ts";
import { Received } from "./received.ts";

export interface WebhookPush {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly token: string };
  readonly traceparent: string | undefined;
}

export interface ReceiverOptions extends Pick<LoopbackOptions, "host" | "port" | "tls"> {
  /** Any one of them may have signed. One is made if there are none. */
  readonly secrets?: readonly string[];
  /** Pushes that are kept to be looked at. */
  readonly keepMax?: number;
}

/** Ids that are remembered, so that a push that comes again is noticed. */
const IDS_MAX = 2_000_000;

/**
 * A gateway of one's own on loopback. It checks what Standard Webhooks has it check, with their own library:
 * a signature of one of its secrets, and a timestamp of the last five minutes. A push whose id it has taken
 * before is answered like the first one, and stands in `repeated` alone.
 */
export class WebhookReceiver {
  readonly faults: FaultPlan;
  /** Pushes whose id came again after it was taken, in order. */
  readonly repeated: WebhookPush[] = [];
  readonly secrets: readonly string[];
  readonly #received: Received<WebhookPush>;
  readonly #webhooks: readonly Webhook[];
  readonly #ids = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #server: LoopbackServer;
  #refused = 0;

  private constructor(
    server: LoopbackServer,
    faults: FaultPlan,
    secrets: readonly string[],
    keepMax?: number,
  ) {
    this.#server = server;
    this.faults = faults;
    this.secrets = secrets;
    this.#webhooks = secrets.map((secret) => new Webhook(secret));
    this.#received = new Received(keepMax);
  }

  static async start({ secrets = [newSecret()], keepMax, ...rest }: ReceiverOptions = {}) {
    const faults = new FaultPlan();
    const { promise, resolve } = Promise.withResolvers<WebhookReceiver>();
    const answer = async (asked: Asked): Promise<Reply> => (await promise).#answer(asked);
    const server = await LoopbackServer.start({ ...rest, faults, answer });
    resolve(new WebhookReceiver(server, faults, secrets, keepMax));
    return promise;
  }

  get url(): string {
    return `${this.#server.url}/push`;
  }

  get received(): readonly WebhookPush[] {
    return this.#received.all;
  }

  get total(): number {
    return this.#received.total;
  }

  /** Requests whose signature or timestamp was refused. */
  get refused(): number {
    return this.#refused;
  }

  /** The text of `webhook.json`. */
  get file(): string {
    return JSON.stringify({ url: this.url, secrets: this.secrets });
  }

  /** Pushes to this token answer 410 from now on. */
  forget(token: string): void {
    this.#gone.add(token);
  }

  /** Takes `forget` back. */
  remember(token: string): void {
    this.#gone.delete(token);
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  #answer(asked: Asked): Reply {
    if (asked.method !== "POST" || asked.path !== "/push") return { status: 404 };
    const text = asked.body.toString();
    const [id = "", timestamp = "", signature = ""] = ["id", "timestamp", "signature"].map((name) =>
      asked.header(`webhook-${name}`),
    );
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
    if (!this.#webhooks.some((webhook) => isSigned(webhook, text, headers))) {
      this.#refused += 1;
      return { status: 401, body: "the signature is not one of ours, or too old" };
    }
    const said = JSON.parse(text) as Omit<WebhookPush, "id" | "traceparent">;
    const push = { ...said, id, traceparent: asked.header("traceparent") };
    if (this.#gone.has(push.data.token)) return { status: 410 };
    if (this.#ids.has(id)) {
      this.repeated.push(push);
      return { status: 204 };
    }
    if (this.#ids.size >= IDS_MAX) this.#ids.clear();
    this.#ids.add(id);
    this.#received.add(push);
    return { status: 204 };
  }
}

/** A secret as Standard Webhooks writes it. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

function isSigned(webhook: Webhook, text: string, headers: Readonly<Record<string, string>>): boolean {
  try {
    webhook.verify(text, headers, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

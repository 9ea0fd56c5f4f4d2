import type { FaultPlan } from "@jichat/testkit/push/fault-plan.ts";
import type { WebhookPush } from "@jichat/testkit/push/webhook-receiver.ts";
import { WebhookReceiver } from "@jichat/testkit/push/webhook-receiver.ts";

/** A gateway that can be down: nothing listens at its port then. It knows what it took before. */
export class Gateway {
  readonly #receivers: WebhookReceiver[];
  #denied: readonly string[] = [];

  private constructor(receiver: WebhookReceiver) {
    this.#receivers = [receiver];
  }

  static async start(): Promise<Gateway> {
    return new Gateway(await WebhookReceiver.start());
  }

  get #now(): WebhookReceiver {
    const receiver = this.#receivers.at(-1);
    if (receiver === undefined) throw new Error("a gateway has a receiver");
    return receiver;
  }

  /** The text of `webhook.json`. */
  get file(): string {
    return this.#now.file;
  }

  get faults(): FaultPlan {
    return this.#now.faults;
  }

  /** All pushes, those too whose id it had taken already: it may have denied the first one. */
  get told(): readonly WebhookPush[] {
    return this.#receivers.flatMap(({ received, repeated }) => [...received, ...repeated]);
  }

  /** Requests whose signature or timestamp was refused. */
  get refused(): number {
    return this.#receivers.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** How often an id came again. */
  get repeats(): number {
    const { told } = this;
    return told.length - new Set(told.map(({ id }) => id)).size;
  }

  /** Says of these tokens that they are gone, until it is called with others. */
  sayGone(tokens: readonly string[]): void {
    for (const token of this.#denied) this.#now.remember(token);
    this.#denied = tokens;
    for (const token of tokens) this.#now.forget(token);
  }

  async down(): Promise<void> {
    await this.#now.stop();
  }

  async up(): Promise<void> {
    const { url, secrets } = this.#now;
    this.#receivers.push(await WebhookReceiver.start({ port: Number(new URL(url).port), secrets }));
  }

  async stop(): Promise<void> {
    await this.#now.stop();
  }
}

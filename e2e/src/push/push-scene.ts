import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { registerPush } from "@jichat/client";
import type { PushWish } from "@jichat/client";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { callRest } from "@jichat/client/rest.ts";
import { ensurePushFolder } from "@jichat/testkit/local/push-folder.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { WebPushService } from "@jichat/testkit/push/web-push-service.ts";
import { WebhookReceiver } from "@jichat/testkit/push/webhook-receiver.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../mint.ts";
import { startStack } from "../scene.ts";
import type { Told } from "./told.ts";
import { toldByWebPush, toldByWebhook } from "./told.ts";
import { waitingPushes } from "./until-pushed.ts";

const PATIENCE_MS = 30_000;
/** A device that is away, and by whose pushes one knows that a message has been taken from the queue. */
export const WITNESS = "witness";

/** What a device wants, beside where it is reached. */
export type Wish = Partial<Pick<PushWish, "locale" | "preview" | "quiet">>;

/** A folder of credentials for a gateway and for push services, all on this machine. */
export function credentialsFor(receiver: Pick<WebhookReceiver, "file">): {
  readonly folder: string;
  readonly vapidPublicKey: string;
  readonly remove: () => void;
} {
  const data = mkdtempSync(join(tmpdir(), "jichat-push-e2e-"));
  const folder = ensurePushFolder(data, undefined);
  writeFileSync(join(folder, "webhook.json"), receiver.file);
  const vapid = JSON.parse(readFileSync(join(folder, "vapid.json"), "utf8")) as { publicKey: string };
  const remove = (): void => {
    rmSync(data, { recursive: true, force: true });
  };
  return { folder, vapidPublicKey: vapid.publicKey, remove };
}

/** A whole cluster with push workers, before a gateway and a push service that keep what they get. */
export class PushScene {
  readonly stack: Stack;
  readonly receiver: WebhookReceiver;
  readonly webPush: WebPushService;
  readonly #jsm: JetStreamManager;
  readonly #vapidPublicKey: string;
  readonly #clients = new Set<ChatClient>();
  /** By the endpoint of its subscription. */
  readonly #browsers = new Map<string, { readonly user: string; readonly device: string }>();
  readonly #services: WebPushService[] = [];

  private constructor(parts: {
    readonly stack: Stack;
    readonly receiver: WebhookReceiver;
    readonly webPush: WebPushService;
    readonly jsm: JetStreamManager;
    readonly vapidPublicKey: string;
  }) {
    this.stack = parts.stack;
    this.receiver = parts.receiver;
    this.webPush = parts.webPush;
    this.#jsm = parts.jsm;
    this.#vapidPublicKey = parts.vapidPublicKey;
    this.#services.push(parts.webPush);
  }

  static async start(t: TestContext, options: ThrowawayOptions): Promise<PushScene> {
    const receiver = await WebhookReceiver.start();
    const webPush = await WebPushService.start();
    const { folder, vapidPublicKey, remove } = credentialsFor(receiver);
    t.after(async () => {
      await receiver.stop();
      await webPush.stop();
      remove();
    });
    const stack = await startStack(t, { ...options, push: { workers: 2, folder } });
    const nats = await connect({ servers: stack.natsUrl });
    const scene = new PushScene({
      stack,
      receiver,
      webPush,
      jsm: await jetstreamManager(nats),
      vapidPublicKey,
    });
    t.after(async () => {
      for (const client of scene.#clients) client.close();
      await nats.close();
    });
    return scene;
  }

  get api(): { readonly api: string } {
    return { api: this.stack.apiUrl };
  }

  tokenOf(user: string): string {
    return mint(this.stack.secrets.signingKeyFile, { sub: user });
  }

  /** A push service of its own, whose faults nobody else meets. */
  async ownService(t: TestContext): Promise<WebPushService> {
    const service = await WebPushService.start();
    this.#services.push(service);
    t.after(async () => service.stop());
    return service;
  }

  /** A device that is connected and has synced. `isActive` is what it says of itself, if anything. */
  async live(
    user: string,
    device: string,
    isActive: boolean | undefined,
    { urls = this.stack.wsUrls, token = this.tokenOf(user) } = {},
  ): Promise<ChatClient> {
    const client = new ChatClient({ urls, device, token: async () => token });
    this.#clients.add(client);
    if (isActive !== undefined) client.setActive(isActive);
    const feed = client.events();
    await client.connect({ timeoutMs: PATIENCE_MS });
    for await (const notice of feed) if (notice.t === "conversations" && notice.complete) break;
    return client;
  }

  /** Resolves once nobody counts the device as connected. */
  async leave(client: ChatClient, device: string, token = this.tokenOf(client.user)): Promise<void> {
    client.close();
    await until(`${client.user} ${device} is away`, PATIENCE_MS, async () => {
      const { items } = await callRest<{ items: { device: string; connected: boolean }[] }>(
        "GET",
        "/v1/me/sessions",
        { ...this.api, token },
      );
      return items.every((one) => one.device !== device || !one.connected);
    });
  }

  /** A user who was here, so that the list is known, and is away now. */
  async away(user: string, act: (client: ChatClient) => Promise<unknown> = async () => {}): Promise<void> {
    const client = await this.live(user, "earlier", false);
    await act(client);
    await this.leave(client, "earlier");
  }

  /** Registers a device with the gateway. Its token is `<user>-<device>`; `as` is the user's. */
  async webhook(
    user: string,
    device: string,
    {
      token = `${user}-${device}`,
      as = this.tokenOf(user),
      ...wish
    }: Wish & { readonly token?: string; readonly as?: string } = {},
  ): Promise<void> {
    const all = { kind: "webhook", token, locale: "en", preview: "text", ...wish } as const;
    await registerPush({ token: as }, device, all, this.api);
  }

  /** Registers a browser, and returns the endpoint of its subscription. */
  async browser(
    user: string,
    device: string,
    wish: Wish & { readonly service?: WebPushService } = {},
  ): Promise<string> {
    const { service = this.webPush, ...rest } = wish;
    const { endpoint, p256dh, auth } = service.subscribe(this.#vapidPublicKey);
    this.#browsers.set(endpoint, { user, device });
    const subscription = { endpoint, keys: { p256dh, auth } };
    const all = { kind: "webpush", subscription, locale: "en", preview: "text", ...rest } as const;
    await registerPush({ token: this.tokenOf(user) }, device, all, this.api);
    return endpoint;
  }

  /** All that devices of the user got, the gateway's first. */
  told(user: string): readonly Told[] {
    const byWebhook = this.receiver.received.map(toldByWebhook);
    const byWebPush = this.#services.flatMap(({ received }) =>
      received.flatMap((push) => {
        const browser = this.#browsers.get(push.endpoint);
        return browser === undefined ? [] : [toldByWebPush(push, browser)];
      }),
    );
    return [...byWebhook, ...byWebPush].filter((one) => one.user === user);
  }

  /** The same in short, in an order that does not depend on time between devices. */
  inShort(user: string): readonly string[] {
    const devices = Map.groupBy(this.told(user), ({ device }) => device);
    return [...devices]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([device, all]) =>
        all.map(({ is, seq, badge }) => `${device} ${is} ${seq}, badge ${String(badge)}`),
      );
  }

  /** Messages that no worker is done with. */
  async waiting(): Promise<number> {
    return waitingPushes(this.#jsm);
  }

  /** Resolves once the message was taken from the queue, and all that comes of it is done. */
  async settled(conversation: string, seq: number): Promise<void> {
    await until(`the witness is told of ${seq} in ${conversation}`, PATIENCE_MS, () =>
      this.told(WITNESS).some((one) => one.conversation === conversation && one.seq >= seq),
    );
    await until("nothing waits to be pushed", PATIENCE_MS, async () => (await this.waiting()) === 0);
  }
}

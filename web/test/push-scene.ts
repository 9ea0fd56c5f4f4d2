import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createECDH } from "node:crypto";
import type { BrowserContext, CDPSession, Page, Worker } from "playwright-core";
import { WebPushService } from "@jichat/testkit/push/web-push-service.ts";
import { until } from "@jichat/testkit/until.ts";
import { Scene } from "./scene.ts";

const SHOW_MS = 300;

/** What a notification is, as its browser shows it. */
export interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly silent: boolean;
  readonly data: { readonly conversation: string; readonly seq: number; readonly hash: string } | undefined;
}

/** Keys of VAPID, as the file of the push workers has them. */
export function vapidKeys(): { readonly publicKey: string; readonly privateKey: string } {
  const keys = createECDH("prime256v1");
  return { publicKey: keys.generateKeys("base64url"), privateKey: keys.getPrivateKey("base64url") };
}

/** A cluster with a push worker, and the push service of its browsers, which decrypts what comes. */
export class PushScene {
  readonly scene: Scene;
  readonly service: WebPushService;
  readonly #folder: string;

  private constructor(scene: Scene, service: WebPushService, folder: string) {
    this.scene = scene;
    this.service = service;
    this.#folder = folder;
  }

  static async start(): Promise<PushScene> {
    const folder = mkdtempSync(join(tmpdir(), "jichat-page-push-"));
    const vapid = { subject: "mailto:admin@chat.example", ...vapidKeys() };
    writeFileSync(join(folder, "vapid.json"), JSON.stringify(vapid));
    const service = await WebPushService.start();
    const scene = await Scene.start({ push: { workers: 1, folder } });
    return new PushScene(scene, service, folder);
  }

  async end(): Promise<void> {
    await this.scene.end();
    await this.service.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Payloads that came to an endpoint, oldest first. */
  pushesTo(endpoint: string): readonly unknown[] {
    return this.service.received.filter((one) => one.endpoint === endpoint).map(({ payload }) => payload);
  }

  async nextPush(endpoint: string, count: number): Promise<string> {
    return until(`push ${count} comes to the browser's push service`, 30_000, async () => {
      const pushes = this.pushesTo(endpoint);
      return pushes.length >= count ? JSON.stringify(pushes[count - 1]) : undefined;
    });
  }

  /** What the server has of a device; undefined if nothing. */
  async registered(user: string, device: string): Promise<Record<string, unknown> | undefined> {
    const reply = await fetch(`${this.scene.stack.apiUrl}/v1/me/devices/${device}/push`, {
      headers: { authorization: `Bearer ${await this.scene.token(user)}` },
    });
    assert.ok(reply.status === 200 || reply.status === 404, String(reply.status));
    return reply.status === 200 ? ((await reply.json()) as Record<string, unknown>) : undefined;
  }
}

interface Made {
  readonly endpoint: string;
  readonly key: string;
}

/** A browser whose calls of its push service are answered, since a headless one has no such service. */
export class PushBrowser {
  readonly context: BrowserContext;
  /** The subscriptions that it made, oldest first. */
  readonly made: Made[] = [];
  readonly #cdp: CDPSession;
  readonly #origin: string;
  #registrationId = "";

  private constructor(context: BrowserContext, cdp: CDPSession, origin: string) {
    this.context = context;
    this.#cdp = cdp;
    this.#origin = origin;
  }

  /** For the browser of a page. Only what needs the push service is replaced: the keys are real ones. */
  static async of(page: Page, service: WebPushService): Promise<PushBrowser> {
    const context = page.context();
    const { origin } = new URL(page.url());
    await context.grantPermissions(["notifications"], { origin });
    // A page that is none of ours stays when the others are closed.
    const blank = await context.newPage();
    const cdp = await context.newCDPSession(blank);
    const browser = new PushBrowser(context, cdp, origin);
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      for (const { registrationId, scopeURL } of registrations)
        if (scopeURL === `${origin}/`) browser.#registrationId = registrationId;
    });
    await cdp.send("ServiceWorker.enable");
    await context.exposeFunction("madeForTest", (key: string) => {
      const target = service.subscribe(key);
      browser.made.push({ endpoint: target.endpoint, key });
      return target;
    });
    await context.exposeFunction("endedForTest", (endpoint: string) => {
      service.unsubscribe(endpoint);
    });
    await context.addInitScript(answerAsPushService);
    await page.reload();
    await page.evaluate(async () => navigator.serviceWorker.ready);
    return browser;
  }

  get endpoint(): string {
    return this.made.at(-1)?.endpoint ?? "";
  }

  get worker(): Worker {
    const worker = this.context.serviceWorkers().at(-1);
    assert.ok(worker, "the page has a service worker");
    return worker;
  }

  /** Gives the worker what the push service decrypted, as the browser would. */
  async deliver(data: string): Promise<void> {
    const registrationId = this.#registrationId;
    assert.notEqual(registrationId, "");
    await this.#cdp.send("ServiceWorker.deliverPushMessage", { origin: this.#origin, registrationId, data });
    // A browser that is asked what is shown while it shows something takes that for closed.
    await setTimeout(SHOW_MS);
  }

  async shown(): Promise<readonly Shown[]> {
    return this.worker.evaluate(async () => {
      const scope = globalThis as unknown as { readonly registration: ServiceWorkerRegistration };
      const all = await scope.registration.getNotifications();
      return all.map(({ title, body, tag, silent, data }) => ({
        title,
        body,
        tag,
        silent: silent === true,
        data: (data ?? undefined) as Shown["data"],
      }));
    });
  }

  async untilShown(what: string, isRight: (shown: readonly Shown[]) => boolean): Promise<readonly Shown[]> {
    return until(what, 10_000, async () => {
      const shown = await this.shown();
      return isRight(shown) ? shown : undefined;
    });
  }

  /** What this browser keeps of its push. */
  async kept(page: Page): Promise<Record<string, unknown> | undefined> {
    return page.evaluate(
      async () =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open("jichat-push", 1);
          opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
          opening.onerror = reject;
          opening.onsuccess = () => {
            const asked = opening.result.transaction("kept").objectStore("kept").get("push");
            asked.onsuccess = () => {
              opening.result.close();
              resolve(asked.result);
            };
          };
        }),
    );
  }

  /**
   * Lets an event happen in the worker, and waits until it is over. A made-up click may open no window and
   * focus no tab, so both are noted instead.
   */
  async happens(type: "notificationclick" | "pushsubscriptionchange"): Promise<readonly string[]> {
    return this.worker.evaluate(async (type) => {
      interface Tab {
        readonly url: string;
        focus: () => Promise<unknown>;
      }
      const scope = globalThis as unknown as {
        readonly registration: ServiceWorkerRegistration;
        readonly clients: object;
        readonly WindowClient: { readonly prototype: Tab };
        readonly ExtendableEvent: new (type: string) => Event;
        readonly NotificationEvent: new (type: string, init: object) => Event;
        dispatchEvent: (event: Event) => void;
      };
      const done: string[] = [];
      scope.WindowClient.prototype.focus = async function focus(this: Tab) {
        done.push("focused");
      };
      const openWindow = async (url: string) => void done.push(`opened ${url}`);
      Object.defineProperty(scope.clients, "openWindow", { value: openWindow, configurable: true });
      const [notification] = await scope.registration.getNotifications();
      const event =
        type === "notificationclick"
          ? new scope.NotificationEvent(type, { notification })
          : new scope.ExtendableEvent(type);
      let work: Promise<unknown> | undefined;
      Object.defineProperty(event, "waitUntil", {
        value: (given: Promise<unknown>) => {
          work = given;
        },
      });
      scope.dispatchEvent(event);
      await work;
      return done;
    }, type);
  }
}

/** Runs in the page: the browser's calls of its push service. */
function answerAsPushService(): void {
  const KEPT = "test-subscription";
  const { madeForTest, endedForTest } = globalThis as unknown as {
    readonly madeForTest: (
      key: string,
    ) => Promise<{ readonly endpoint: string; readonly p256dh: string; readonly auth: string }>;
    readonly endedForTest: (endpoint: string) => Promise<void>;
  };
  const bytesOf = (text: string): ArrayBuffer =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) =>
      character.charCodeAt(0),
    ).buffer;
  const kept = () => {
    const text = localStorage.getItem(KEPT);
    if (text === null) return null;
    const { endpoint, p256dh, auth, key } = JSON.parse(text) as Record<string, string>;
    return {
      endpoint,
      options: { userVisibleOnly: true, applicationServerKey: bytesOf(key ?? "") },
      toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh, auth } }),
      unsubscribe: async () => {
        localStorage.removeItem(KEPT);
        await endedForTest(endpoint ?? "");
        return true;
      },
    };
  };
  if (!("PushManager" in globalThis)) return;
  Object.assign(PushManager.prototype, {
    subscribe: async ({ applicationServerKey: key, userVisibleOnly }: PushSubscriptionOptionsInit) => {
      if (userVisibleOnly !== true || typeof key !== "string") throw new Error("not what the page asks for");
      localStorage.setItem(KEPT, JSON.stringify({ ...(await madeForTest(key)), key }));
      return kept();
    },
    getSubscription: async () => kept(),
  });
}

import type { WebPush } from "@jichat/testkit/push/web-push-service.ts";
import type { WebhookPush } from "@jichat/testkit/push/webhook-receiver.ts";

/** A push as a device got it, by whatever provider. */
export interface Told {
  readonly user: string;
  readonly device: string;
  readonly is: "notification" | "withdrawal";
  readonly conversation: string;
  readonly seq: number;
  readonly badge?: number;
  readonly title?: string;
  readonly text?: string;
  readonly count?: number;
  readonly sound?: boolean;
}

/** What push services and gateways got has the form that docs/push-payloads.md says. */
type Payload = Omit<Told, "user" | "device">;

export function toldByWebhook({ type, data }: WebhookPush): Told {
  return { ...(data as unknown as Told), is: type === "push.withdrawal" ? "withdrawal" : "notification" };
}

/** `device` has the subscription that the push came to. */
export function toldByWebPush(
  { payload }: WebPush,
  { user, device }: { readonly user: string; readonly device: string },
): Told {
  const { sound = false, ...rest } = payload as Payload;
  return { user, device, ...rest, ...(rest.is === "notification" ? { sound } : {}) };
}

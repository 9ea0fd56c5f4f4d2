import type { PushRegistration, PushTarget } from "@jichat/protocol/bus/push-registration.ts";

export const webhookTarget = (token: string): PushTarget => ({ kind: "webhook", token });
export const webPushTarget = (endpoint: string): PushTarget => ({
  kind: "webpush",
  endpoint,
  p256dh: "p",
  auth: "a",
});

/** A device that receives pushes by the webhook. Its token has its user's and its own name. */
export const registrationOf = (user: string, device = "phone"): PushRegistration => ({
  device,
  target: webhookTarget(`${user}-${device}`),
  locale: "en",
  preview: "text",
  registeredAt: 0,
});

import type { ChatClusterSpec } from "../crd/spec.ts";
import type { DesiredInput } from "./desired-input.ts";

type Push = NonNullable<ChatClusterSpec["push"]>;

/** The content of the Secrets and of the ConfigMap that `spec.push` names. */
export interface PushContent {
  /** Google's service account file. */
  readonly fcm?: string;
  /** Apple's signing key, PEM. */
  readonly apns?: string;
  /** The secrets that sign for the webhook: the newest first. */
  readonly webhook?: readonly string[];
  /** Words of notifications, a JSON file for each language. Nothing of this is secret. */
  readonly templates?: Readonly<Record<string, string>>;
}

/** The folder of the providers' credentials in a worker's pod, with one file for each provider. */
export const PROVIDERS_PATH = "/etc/jichat/push";
export const TEMPLATES_PATH = "/etc/jichat/push-templates";
export const PROVIDERS = "push-providers";
export const TEMPLATES = "push-templates";

/** The environment of push workers, beside that of all components. */
export const pushSettings = ({ previews, mentionsOnlyAbove, allowedAddresses, templates }: Push) => ({
  PUSH_FOLDER: PROVIDERS_PATH,
  PUSH_PREVIEWS: String(previews),
  PUSH_MENTIONS_ONLY_ABOVE: String(mentionsOnlyAbove),
  ...(allowedAddresses.length === 0 ? {} : { PUSH_ALLOWED_ADDRESSES: allowedAddresses.join(",") }),
  ...(templates === undefined ? {} : { PUSH_TEMPLATES: TEMPLATES_PATH }),
});

/**
 * The files of that folder. Workers read them again while they run, so their content is no part of a pod's
 * template. A provider that the spec does not name has no file, which switches it off.
 */
export function providerFiles({ cluster, keys, push: content }: DesiredInput): Record<string, string> {
  const { webPush, apns, webhook } = cluster.spec.push ?? {};
  return {
    ...(webPush === undefined || keys.vapid === undefined
      ? {}
      : { "vapid.json": JSON.stringify({ subject: webPush.subject, ...keys.vapid }) }),
    ...(content?.fcm === undefined ? {} : { "fcm.json": content.fcm }),
    ...(apns === undefined || content?.apns === undefined
      ? {}
      : { "apns.json": JSON.stringify({ ...apnsFields(apns), key: content.apns }) }),
    ...(webhook === undefined || content?.webhook === undefined
      ? {}
      : { "webhook.json": JSON.stringify({ url: webhook.url, secrets: content.webhook }) }),
  };
}

const apnsFields = ({ keyId, teamId, topic, isSandbox }: NonNullable<Push["apns"]>) => ({
  keyId,
  teamId,
  topic,
  isSandbox,
});

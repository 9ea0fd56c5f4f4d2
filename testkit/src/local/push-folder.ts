import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const write = (path: string, text: string): void => {
  writeFileSync(path, text, { mode: 0o600 });
};

/** Push services write to it if they have to. Nobody reads it there: give a real one in a real cluster. */
const SUBJECT = "mailto:admin@example.com";

function newVapidKeys(): { readonly publicKey: string; readonly privateKey: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" }) as Record<string, string>;
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return { publicKey: point.toString("base64url"), privateKey: d };
}

/**
 * The folder of push credentials of a local cluster. VAPID keys and the secret of the webhook are made at its
 * first start and kept with its data: browsers and the receiver of the webhook know them. Other files in the
 * folder, such as `fcm.json`, stay as they are.
 */
export function ensurePushFolder(data: string, webhookUrl: string | undefined): string {
  const folder = join(data, "secrets", "push");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const vapid = join(folder, "vapid.json");
  if (!existsSync(vapid)) write(vapid, JSON.stringify({ subject: SUBJECT, ...newVapidKeys() }));
  const webhook = join(folder, "webhook.json");
  if (webhookUrl === undefined) rmSync(webhook, { force: true });
  else write(webhook, JSON.stringify({ url: webhookUrl, secrets: [webhookSecretOf(data)] }));
  return folder;
}

/** The file of the secret that signs what the webhook gets. */
export const webhookSecretFile = (data: string): string => join(data, "secrets", "webhook-secret");

function webhookSecretOf(data: string): string {
  const file = webhookSecretFile(data);
  if (!existsSync(file)) write(file, `whsec_${randomBytes(32).toString("base64")}`);
  return readFileSync(file, "utf8").trim();
}

import type { KeyObject } from "node:crypto";
import { createPrivateKey } from "node:crypto";
import { BlockList } from "node:net";
import type { ChatCluster } from "./crd/definition.ts";
import type { PushContent } from "./desired/push.ts";
import type { KubeApi } from "./kube/api.ts";
import { isNotFound, messageOf } from "./kube/errors.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import { SpecError, must, secretOf } from "./named-objects.ts";

type Api = Pick<KubeApi, "get">;
type Push = NonNullable<ChatCluster["spec"]["push"]>;

interface Referred {
  readonly field: string;
  readonly name: string;
  readonly key: string;
  readonly text: string;
}

/** The named key of the Secret that a provider refers to. */
async function referred(
  api: Api,
  cluster: ChatCluster,
  provider: "fcm" | "apns" | "webhook",
  { name, key }: { readonly name: string; readonly key: string },
): Promise<Referred> {
  const field = `spec.push.${provider}.secretRef`;
  const text = must(await secretOf(api, cluster, field, name), key, field, name);
  return { field, name, key, text };
}

const unusable = ({ field, name, key }: Referred, why: string): SpecError =>
  new SpecError("SecretIncomplete", `${field}: \`${key}\` of Secret ${name} ${why}`);

/** A private key in PEM. The error of the library may quote the text, so it is not passed on. */
function privateKeyIn(pem: unknown): KeyObject | undefined {
  try {
    return createPrivateKey(String(pem));
  } catch {
    return undefined;
  }
}

/** Google's file, unchanged. */
function serviceAccount(file: Referred): string {
  let fields: Record<string, unknown>;
  try {
    fields = (JSON.parse(file.text) ?? {}) as Record<string, unknown>;
  } catch {
    throw unusable(file, "is not JSON: put Google's file there as it is");
  }
  const missing = ["project_id", "client_email", "private_key"].filter(
    (name) => typeof fields[name] !== "string" || fields[name] === "",
  );
  if (missing.length > 0 || fields["type"] !== "service_account")
    throw unusable(file, `is not the key file of a service account: it has no ${missing.join(", ") || '`type` "service_account"'}`);
  if (privateKeyIn(fields["private_key"])?.asymmetricKeyType !== "rsa")
    throw unusable(file, "has a `private_key` that is no RSA key in PEM");
  return file.text;
}

function appleKey(file: Referred): string {
  const key = privateKeyIn(file.text);
  if (key?.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw unusable(file, "is not a signing key of Apple's: a private key of P-256 in PEM");
  return file.text;
}

/** More signatures than a rotation needs would only make each request larger. */
const SECRETS_MAX = 4;

/** The secrets of a webhook, one a line (Standard Webhooks 1.0). */
function webhookSecrets(file: Referred): readonly string[] {
  const secrets = file.text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  if (secrets.length === 0) throw unusable(file, "is empty: it holds secrets, one a line");
  if (secrets.length > SECRETS_MAX)
    throw unusable(file, `has ${secrets.length} lines: at most ${SECRETS_MAX} secrets sign`);
  const wrong = secrets.findIndex((secret) => {
    const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
    const bytes = Buffer.from(base64, "base64").length;
    return bytes < 24 || bytes > 64;
  });
  if (wrong >= 0)
    throw unusable(
      file,
      `line ${wrong + 1} is not \`whsec_\` and base64 of 24 to 64 bytes (Standard Webhooks)`,
    );
  return secrets;
}

/** The schema has checked their form, and not their numbers. */
function checkAddresses({ allowedAddresses }: Push): void {
  for (const cidr of allowedAddresses) {
    const [address = "", prefix = ""] = cidr.split("/");
    try {
      new BlockList().addSubnet(address, Number(prefix), address.includes(":") ? "ipv6" : "ipv4");
    } catch (cause) {
      throw new SpecError(
        "AddressInvalid",
        `spec.push.allowedAddresses: ${cidr} is not an address and the length of its prefix: ${messageOf(cause)}`,
      );
    }
  }
}

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };
/** A file is named by its language (BCP 47). */
const TEMPLATE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\.json$/;

async function templatesOf(
  api: Api,
  { metadata }: ChatCluster,
  { configMapRef }: NonNullable<Push["templates"]>,
): Promise<Readonly<Record<string, string>>> {
  const { namespace } = metadata;
  const { name } = configMapRef;
  const field = "spec.push.templates.configMapRef";
  let data: Readonly<Record<string, string>>;
  try {
    ({ data = {} } = await api.get<ConfigMap>(RESOURCES.configMaps, namespace, name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SpecError(
      "ConfigMapMissing",
      `${field} names ConfigMap ${name}, which is not in namespace ${namespace}: create it, or leave the field out`,
    );
  }
  for (const [file, text] of Object.entries(data)) {
    const refuse = (why: string): never => {
      throw new SpecError("ConfigMapInvalid", `${field}: \`${file}\` of ConfigMap ${name} ${why}`);
    };
    if (!TEMPLATE.test(file)) refuse("is not named by a language, such as `de.json` or `pt-BR.json`");
    try {
      JSON.parse(text);
    } catch (cause) {
      refuse(`is not JSON: ${messageOf(cause)}`);
    }
  }
  return data;
}

/**
 * The content of the Secrets and of the ConfigMap that `spec.push` names; undefined without push. Throws SpecError if something
 * that it names is missing or unusable. Its message contains nothing of a Secret.
 */
export async function pushContentOf(api: Api, cluster: ChatCluster): Promise<PushContent | undefined> {
  const { push } = cluster.spec;
  if (push === undefined) return undefined;
  const { fcm, apns, webhook, templates } = push;
  checkAddresses(push);
  return {
    ...(fcm && { fcm: serviceAccount(await referred(api, cluster, "fcm", fcm.secretRef)) }),
    ...(apns && { apns: appleKey(await referred(api, cluster, "apns", apns.secretRef)) }),
    ...(webhook && { webhook: webhookSecrets(await referred(api, cluster, "webhook", webhook.secretRef)) }),
    ...(templates && { templates: await templatesOf(api, cluster, templates) }),
  };
}

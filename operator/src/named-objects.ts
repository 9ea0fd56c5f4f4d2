import type { ChatCluster } from "./crd/definition.ts";
import type { KubeApi } from "./kube/api.ts";
import { isNotFound } from "./kube/errors.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";

/**
 * An error in the spec: something that it names is missing or wrong. The message has the field, what is
 * wrong, and the cure.
 */
export class SpecError extends Error {
  override readonly name = "SpecError";
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/** The content of a Secret that `field` of the spec names. */
export async function secretOf(
  api: Pick<KubeApi, "get">,
  cluster: ChatCluster,
  field: string,
  name: string,
): Promise<Record<string, string>> {
  const { namespace } = cluster.metadata;
  try {
    const { data = {} } = await api.get<SecretObject>(RESOURCES.secrets, namespace, name);
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SpecError(
      "SecretMissing",
      `${field} names Secret ${name}, which is not in namespace ${namespace}: create it, or leave the field out`,
    );
  }
}

/** The content of one key of such a Secret. */
export const must = (secret: Record<string, string>, key: string, field: string, name: string): string => {
  const value = secret[key];
  if (value !== undefined) return value;
  throw new SpecError(
    "SecretIncomplete",
    `${field}: Secret ${name} has no key \`${key}\`; it has ${Object.keys(secret).join(", ") || "none"}`,
  );
};

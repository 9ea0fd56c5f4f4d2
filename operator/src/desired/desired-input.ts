import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { ChatCluster } from "../crd/definition.ts";
import type { Keys } from "./keys.ts";
import { credentialOf } from "./keys.ts";
import type { User } from "./keys.ts";
import type { Backend } from "./names.ts";
import { PORTS, objectName } from "./names.ts";

export interface Login {
  readonly username: string;
  readonly password: string;
}

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

/** The complete input for a ChatCluster's objects. */
export interface DesiredInput {
  readonly cluster: ChatCluster;
  /** The tag of the images. */
  readonly version: string;
  readonly keys: Keys;
  /** From Secrets that the spec names: logins of external backends, and the user's own token keys. */
  readonly logins: Readonly<Partial<Record<Backend, Login>>>;
  /** From Secrets as well: CAs and certificates for external backends. */
  readonly backendTls: Readonly<Partial<Record<Backend, BackendTls>>>;
  readonly tokenKeys: { readonly jwks: string; readonly signingKey: string | undefined } | undefined;
  /** The connectors' certificate and its key, by file name. */
  readonly tls: Readonly<Record<"tls.crt" | "tls.key", string>> | undefined;
  /** From Secrets as well: credentials of push providers; and templates, from a ConfigMap. */
  readonly push: PushContent | undefined;
  /** Pods that the autoscaler wants, of components whose number it chooses. */
  readonly scaled?: Readonly<Partial<Record<"connector" | "router", number>>>;
  /** The operator's own namespace and labels, from which it asks backends and pods. */
  readonly operator: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly podUsers: "fixed" | "assigned";
  };
}

/** The host of a managed backend's Service. The name works from every namespace. */
const hostOf = (cluster: ChatCluster, backend: Backend): string =>
  `${objectName(cluster, backend)}.${cluster.metadata.namespace}.svc`;

/** Adds the login. In a list of nats-servers, only the first URL carries it. */
function withLogin(url: string, { username, password }: Login): string {
  const [first = "", ...others] = url.split(",");
  const parsed = new URL(first);
  parsed.username = encodeURIComponent(username);
  parsed.password = encodeURIComponent(password);
  return [parsed.href, ...others].join(",");
}

const SCHEMES: Readonly<Record<Backend, string>> = { nats: "nats", redis: "redis", clickhouse: "http" };

/** The URL of a backend for `user`, with its login; undefined for the embedded ClickHouse. */
export function backendUrl(
  { cluster, keys, logins }: DesiredInput,
  backend: Backend,
  user: User,
): string | undefined {
  const { external, managed } = cluster.spec[backend];
  if (external !== undefined) {
    const login = logins[backend];
    return login === undefined ? external.url : withLogin(external.url, login);
  }
  if (managed === undefined) return undefined;
  const { user: username, password } = credentialOf(keys, backend, user);
  return withLogin(`${SCHEMES[backend]}://${hostOf(cluster, backend)}:${PORTS[backend]}`, {
    username,
    password,
  });
}

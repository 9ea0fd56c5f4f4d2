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

/** All that a ChatCluster's objects are made of. */
export interface DesiredInput {
  readonly cluster: ChatCluster;
  /** Tag of the images. */
  readonly version: string;
  readonly keys: Keys;
  /** Of Secrets that the spec names: logins of external backends, and keys of one's own. */
  readonly logins: Readonly<Partial<Record<Backend, Login>>>;
  /** Of Secrets too: CAs and certificates for external backends. */
  readonly backendTls: Readonly<Partial<Record<Backend, BackendTls>>>;
  readonly tokenKeys: { readonly jwks: string; readonly signingKey: string | undefined } | undefined;
  /** The connectors' certificate and its key, by their files' names. */
  readonly tls: Readonly<Record<"tls.crt" | "tls.key", string>> | undefined;
  /** Where the operator itself runs: it asks backends and pods. */
  readonly operator: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly podUsers: "fixed" | "assigned";
  };
}

/** A managed backend's Service, by the name that works from every namespace. */
const hostOf = (cluster: ChatCluster, backend: Backend): string =>
  `${objectName(cluster, backend)}.${cluster.metadata.namespace}.svc`;

/** Of several nats-servers the first says who we are. */
function withLogin(url: string, { username, password }: Login): string {
  const [first = "", ...others] = url.split(",");
  const parsed = new URL(first);
  parsed.username = encodeURIComponent(username);
  parsed.password = encodeURIComponent(password);
  return [parsed.href, ...others].join(",");
}

const SCHEMES: Readonly<Record<Backend, string>> = { nats: "nats", redis: "redis", clickhouse: "http" };

/** Where `user` finds a backend, its login in it; undefined for the embedded ClickHouse. */
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

import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import { createSecureContext } from "node:tls";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { KEYS } from "./desired/resources.ts";
import { tlsOf as backendTlsIn } from "./desired/backend-tls.ts";
import type { Keys } from "./desired/keys.ts";
import { decodeKeys, newVapidKeys } from "./desired/keys.ts";
import type { Backend } from "./desired/names.ts";
import { BACKENDS, objectName } from "./desired/names.ts";
import { keysFor, livesOf } from "./desired/rotation.ts";
import type { Login, DesiredInput } from "./desired/desired-input.ts";
import { changeRefused } from "./ground-of.ts";
import type { KeyMemory } from "./key-memory.ts";
import type { KubeApi } from "./kube/api.ts";
import { messageOf } from "./kube/errors.ts";
import { keyOf } from "./kube/object.ts";
import type { SecretObject } from "./named-objects.ts";
import { SpecError, must, secretOf } from "./named-objects.ts";
import type { Observed } from "./observed.ts";
import { pushContentOf } from "./push-content.ts";

/** A new value of this annotation requests new keys and passwords. */
export const ROTATE_ANNOTATION = "chat.jichat.io/rotate";

async function loginsOf(
  api: Pick<KubeApi, "get">,
  cluster: ChatCluster,
): Promise<Partial<Record<Backend, Login>>> {
  const logins: Partial<Record<Backend, Login>> = {};
  for (const backend of BACKENDS) {
    const name = cluster.spec[backend].external?.secret;
    if (name === undefined) continue;
    const field = `spec.${backend}.external.secret`;
    const secret = await secretOf(api, cluster, field, name);
    logins[backend] = {
      username: must(secret, "username", field, name),
      password: must(secret, "password", field, name),
    };
  }
  return logins;
}

async function backendTlsOf(
  api: Pick<KubeApi, "get">,
  cluster: ChatCluster,
): Promise<DesiredInput["backendTls"]> {
  const all: Partial<Record<Backend, BackendTls>> = {};
  for (const backend of BACKENDS) {
    const name = cluster.spec[backend].external?.tls?.secret;
    if (name === undefined) continue;
    const field = `spec.${backend}.external.tls.secret`;
    const secret = await secretOf(api, cluster, field, name);
    if (secret["tls.key"] !== undefined) must(secret, "tls.crt", field, name);
    else if (secret["tls.crt"] === undefined) must(secret, "ca.crt", field, name);
    else must(secret, "tls.key", field, name);
    const tls = backendTlsIn(secret);
    try {
      createSecureContext(tls);
    } catch (cause) {
      throw new SpecError(
        "SecretIncomplete",
        `${field}: Secret ${name} holds no CA, or no certificate and its key, in PEM: ${messageOf(cause)}`,
      );
    }
    all[backend] = tls;
  }
  return all;
}

async function tokenKeysOf(
  api: Pick<KubeApi, "get">,
  cluster: ChatCluster,
): Promise<DesiredInput["tokenKeys"]> {
  const name = cluster.spec.auth.secret;
  if (name === undefined) return undefined;
  const secret = await secretOf(api, cluster, "spec.auth.secret", name);
  const jwks = must(secret, "jwks.json", "spec.auth.secret", name);
  try {
    const { keys } = JSON.parse(jwks) as { keys?: unknown };
    if (!Array.isArray(keys)) throw new Error("it has no `keys`");
  } catch (cause) {
    throw new SpecError(
      "SecretIncomplete",
      `spec.auth.secret: \`jwks.json\` of Secret ${name} is not a JWK set: ${messageOf(cause)}`,
    );
  }
  return { jwks, signingKey: secret["signing-key.json"] };
}

async function tlsOf(api: Pick<KubeApi, "get">, cluster: ChatCluster): Promise<DesiredInput["tls"]> {
  const name = cluster.spec.connectors.tls?.secret;
  if (name === undefined) return undefined;
  const field = "spec.connectors.tls.secret";
  const secret = await secretOf(api, cluster, field, name);
  const tls = {
    "tls.crt": must(secret, "tls.crt", field, name),
    "tls.key": must(secret, "tls.key", field, name),
  };
  try {
    createSecureContext({ cert: tls["tls.crt"], key: tls["tls.key"] });
  } catch (cause) {
    throw new SpecError(
      "SecretIncomplete",
      `${field}: \`tls.crt\` and \`tls.key\` of Secret ${name} are not a certificate and its key in PEM: ${messageOf(cause)}`,
    );
  }
  return tls;
}

export interface InputOptions {
  readonly api: Pick<KubeApi, "get">;
  readonly version: string;
  readonly operator: DesiredInput["operator"];
  readonly keyMemory: KeyMemory;
  readonly clock: Clock;
}

/** The keys in the Secret, or new ones. Offers the next generation if a rotation is requested. */
function keysIn(cluster: ChatCluster, observed: Observed, { keyMemory, clock }: InputOptions): Keys {
  const { namespace, annotations } = cluster.metadata;
  const id = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: objectName(cluster, KEYS) } };
  const [lives, now] = [livesOf(cluster), clock.now()];
  const text = keyMemory.read(keyOf(cluster), observed.find<SecretObject>(id)?.data?.["keys"]);
  const before = decodeKeys(text, lives, now);
  // While the cluster is paused nothing may be written, so no key is made or dropped either.
  if (cluster.spec.paused && before !== undefined) return before;
  const keys = keysFor(before, annotations?.[ROTATE_ANNOTATION] ?? "", { lives, now });
  const needsVapid = cluster.spec.push?.webPush !== undefined && keys.vapid === undefined;
  return needsVapid ? { ...keys, vapid: newVapidKeys() } : keys;
}

/** The spec with everything that it names. Throws SpecError if something is missing. */
export async function inputOf(
  cluster: ChatCluster,
  observed: Observed,
  options: InputOptions,
): Promise<DesiredInput> {
  const { api, version, operator } = options;
  if (cluster.metadata.deletionTimestamp === undefined) {
    const refused = changeRefused(cluster, observed);
    if (refused !== undefined) throw new SpecError("ChangeRefused", refused);
  }
  const logins = await loginsOf(api, cluster);
  const backendTls = await backendTlsOf(api, cluster);
  const tokenKeys = await tokenKeysOf(api, cluster);
  const tls = await tlsOf(api, cluster);
  const push = await pushContentOf(api, cluster);
  return {
    cluster,
    version: cluster.spec.version ?? version,
    keys: keysIn(cluster, observed, options),
    logins,
    backendTls,
    tokenKeys,
    tls,
    push,
    operator,
  };
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@jichat/testkit/until.ts";
import type { Push } from "../push/judgement.ts";
import type { Chat, Pod } from "./chat.ts";
import { forwarded } from "./drift.ts";
import { LAB, apply, kubectl, read } from "./kubectl.ts";

const NAME = "own-webhook";
const labels = { "example.com/own": "webhook" };
const PORT = 8080;

/** What the webhook has taken so far. */
export interface Told {
  /** Pushes that came again under an id that it had taken. */
  readonly repeated: number;
  /** Requests that nobody had signed. */
  readonly refused: number;
  readonly pushes: readonly {
    readonly id: string;
    readonly signatures: number;
    readonly type: string;
    readonly data: Omit<Push, "at">;
  }[];
}

/** A Secret with what signs for the webhook, the newest first. */
export const giveSecrets = async (namespace: string, secrets: readonly string[]): Promise<string> =>
  apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: NAME, namespace, labels },
    stringData: { secret: secrets.join("\n") },
  });

/**
 * Starts a webhook that accepts each of `secrets`. Resolves with the fields of `spec.push` that lead to it.
 */
export async function raiseWebhook(namespace: string, secrets: readonly string[]): Promise<object> {
  const program = readFileSync(join(import.meta.dirname, "webhook-program.ts"), "utf8");
  const container = {
    name: "webhook",
    image: `${LAB.registry}/push:${LAB.versions[0]}`, // For its Node.
    command: ["node", "/program/webhook.ts"],
    env: [{ name: "SECRETS", value: secrets.join(",") }],
    ports: [{ containerPort: PORT }],
    readinessProbe: { httpGet: { path: "/", port: PORT }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "program", mountPath: "/program" }],
  };
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  };
  const volumes = [{ name: "program", configMap: { name: NAME } }];
  const metadata = { name: NAME, namespace, labels };
  await apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "webhook.ts": program } });
  await apply({
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: labels, ports: [{ port: PORT }] },
  });
  await apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container], securityContext, volumes } },
    },
  });
  await kubectl(["-n", namespace, "rollout", "status", `deployment/${NAME}`, "--timeout=90s"]);
  return {
    webhook: { url: `http://${NAME}.${namespace}.svc:${PORT}/`, secretRef: { name: NAME } },
    allowedAddresses: await addressesIn(namespace),
  };
}

/** The addresses that workers have to be allowed: that of the Service, and that of its pod. */
async function addressesIn(namespace: string): Promise<readonly string[]> {
  const service = await read<{ readonly spec: { readonly clusterIP: string } }>([
    "-n",
    namespace,
    "get",
    "service",
    NAME,
  ]);
  const podIP = await until("the webhook's pod has an address", 30_000, async () => {
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const { items } = await read<{ readonly items: readonly Pod[] }>([
      "-n",
      namespace,
      "get",
      "pods",
      "-l",
      selector.join(","),
    ]);
    return items[0]?.status.podIP;
  });
  const hostCidr = (address: string): string => `${address}/${address.includes(":") ? 128 : 32}`;
  return [hostCidr(service.spec.clusterIP), hostCidr(podIP)];
}

export const toldBy = async (chat: Chat): Promise<Told> =>
  forwarded(
    chat,
    NAME,
    PORT,
    async (port) => (await fetch(`http://127.0.0.1:${port}/`)).json() as Promise<Told>,
  );

export async function takeWebhook(namespace: string): Promise<void> {
  const kinds = "deployment,service,configmap,secret";
  await kubectl(["-n", namespace, "delete", kinds, "-l", "example.com/own=webhook"]);
}

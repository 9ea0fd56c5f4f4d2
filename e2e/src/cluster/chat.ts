import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Venue } from "../crowd.ts";
import { FINALIZER } from "@jichat/operator/finalize.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB, apply, find, kubectl, read } from "./kubectl.ts";

/** Each look starts a kubectl, which takes a tenth of a second of a core while people talk. */
const LOOK_MS = 2_000;

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP?: string;
    readonly phase: string;
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

export interface ChatObject {
  readonly metadata: {
    readonly name: string;
    readonly generation: number;
    readonly finalizers?: readonly string[];
  };
  readonly spec: object;
  readonly status?: {
    readonly observedGeneration?: number;
    readonly keeper?: string;
    readonly version?: string;
    readonly conditions?: readonly Condition[];
    readonly rollout?: Rollout;
  };
}

/** How far a change of the connectors' revision is. */
export interface Rollout {
  readonly phase: string;
  readonly message: string;
  readonly blockedBy: readonly { readonly gate: string; readonly message: string }[];
  readonly failed?: { readonly version: string; readonly reason: string };
}

/** The laptop sample, with images that are already loaded, and a NodePort. */
export const laptop = (more: object = {}): object => ({
  version: LAB.versions[0],
  image: { registry: LAB.registry },
  connectors: { replicas: 1, service: { type: "NodePort" } },
  routers: { replicas: 1 },
  storage: { replicas: 1 },
  api: { replicas: 1 },
  partitions: 8,
  durability: { replicas: 1 },
  drain: { deadlineSeconds: 10 },
  auth: { peopleMustExist: false }, // Crowds sign their own tokens, and `helm test` signs up.
  nats: { managed: { replicas: 1, storage: { size: "2Gi" }, image: LAB.backends.nats } },
  redis: { managed: { image: LAB.backends.redis } },
  clickhouse: { managed: { storage: { size: "5Gi" }, image: LAB.backends.clickhouse } },
  ...more,
});

/** A ChatCluster of the tests. */
export class Chat {
  readonly namespace: string;
  readonly name: string;

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  async apply(spec: object, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
    await apply({
      apiVersion: "chat.jichat.io/v1alpha1",
      kind: "ChatCluster",
      metadata: { name: this.name, namespace: this.namespace, annotations },
      spec,
    });
  }

  /** Patches the spec. */
  async patch(spec: object): Promise<void> {
    await this.#patch({ spec });
  }

  /**
   * From here on, the data is deleted with the ChatCluster. Resolves once the operator has set its finalizer.
   */
  async loseData(): Promise<void> {
    await this.patch({ deletionPolicy: "Delete" });
    await until("the operator holds on to it for its data", 30_000, async () =>
      (await this.read()).metadata.finalizers?.includes(FINALIZER) === true ? true : undefined,
    );
  }

  async annotate(annotations: Readonly<Record<string, string>>): Promise<void> {
    await this.#patch({ metadata: { annotations } });
  }

  async #patch(change: object): Promise<void> {
    await this.ask(["patch", "chat", this.name, "--type=merge", "-p", JSON.stringify(change)]);
  }

  /** Runs kubectl in the ChatCluster's namespace. */
  async ask(args: readonly string[], input?: string): Promise<string> {
    return kubectl(["-n", this.namespace, ...args], input === undefined ? {} : { input });
  }

  async read(): Promise<ChatObject> {
    return read<ChatObject>(["-n", this.namespace, "get", "chat", this.name]);
  }

  /**
   * Waits for the condition to have this status for the present spec. Resolves with the seconds that it took.
   */
  async until(type: string, status: string, ms: number): Promise<number> {
    const started = performance.now();
    let last = "";
    try {
      const look = async (): Promise<true | undefined> => {
        const { metadata, status: told } = await this.read();
        const condition = told?.conditions?.find((one) => one.type === type);
        last = JSON.stringify(condition);
        const isCurrent = condition?.observedGeneration === metadata.generation;
        return isCurrent && condition?.status === status ? true : undefined;
      };
      await until(`${this.name}: ${type} is ${status}`, ms, look, LOOK_MS);
    } catch (error) {
      throw new Error(`${String(error)}; last seen ${last}`, { cause: error });
    }
    return (performance.now() - started) / 1_000;
  }

  /**
   * Waits until everything that the spec wants is there, and nothing from before is left. Resolves with the
   * seconds that it took.
   */
  async settled(ms: number): Promise<number> {
    const started = performance.now();
    for (const [type, status] of [
      ["Progressing", "False"],
      ["Ready", "True"],
    ] as const)
      await this.until(type, status, ms);
    return (performance.now() - started) / 1_000;
  }

  async pods(component?: string): Promise<readonly Pod[]> {
    const labels = [
      `app.kubernetes.io/instance=${this.name}`,
      "app.kubernetes.io/managed-by=jichat-operator",
    ];
    if (component !== undefined) labels.push(`app.kubernetes.io/component=${component}`);
    const list = await read<{ readonly items: readonly Pod[] }>([
      "-n",
      this.namespace,
      "get",
      "pods",
      "-l",
      labels.join(","),
    ]);
    return list.items;
  }

  /** Pods that are not being deleted. Of a ChatCluster that is settled, others may still be ending. */
  async staying(component?: string): Promise<readonly Pod[]> {
    return (await this.pods(component)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** The uids of pods that are not being deleted, by component. */
  async uids(components: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
    const pods = await this.staying();
    return Object.fromEntries(
      components.map((component) => [
        component,
        pods
          .filter(({ metadata }) => metadata.labels["app.kubernetes.io/component"] === component)
          .map(({ metadata }) => metadata.uid),
      ]),
    );
  }

  async secret(part: string, key: string): Promise<string> {
    const { data } = await read<{ readonly data: Readonly<Record<string, string>> }>([
      "-n",
      this.namespace,
      "get",
      "secret",
      `${this.name}-${part}`,
    ]);
    return Buffer.from(data[key] ?? "", "base64").toString("utf8");
  }

  /** The address of a node, at which NodePorts can be reached. */
  async address(): Promise<string> {
    const nodes = await read<{
      readonly items: readonly {
        readonly status: {
          readonly addresses: readonly { readonly type: string; readonly address: string }[];
        };
      }[];
    }>(["get", "nodes"]);
    return nodes.items[0]?.status.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
  }

  /** The URLs for devices outside the cluster, and the key that signs their tokens. */
  async venue(): Promise<Venue & { leave(): void }> {
    const { spec } = await read<{
      readonly spec: {
        readonly ports: readonly { readonly nodePort: number; readonly appProtocol?: string }[];
      };
    }>(["-n", this.namespace, "get", "service", `${this.name}-connector`]);
    const [port] = spec.ports;
    const scheme = port?.appProtocol === "kubernetes.io/wss" ? "wss" : "ws";
    const address = await this.address();
    const folder = mkdtempSync(join(tmpdir(), "jichat-venue-"));
    const signingKeyFile = join(folder, "signing-key.json");
    writeFileSync(signingKeyFile, await this.secret("api", "signing-key.json"), { mode: 0o600 });
    return {
      wsUrls: [`${scheme}://${address}:${port?.nodePort ?? 0}/v1/ws`],
      secrets: { signingKeyFile },
      leave: () => {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }

  /** Compares ClickHouse with the log, row by row: runs `storage verify` in a pod like storage's own. */
  async verify(): Promise<string> {
    const deployment = await read<{ readonly spec: { readonly template: { readonly spec: object } } }>([
      "-n",
      this.namespace,
      "get",
      "deployment",
      `${this.name}-storage`,
    ]);
    const name = `${this.name}-verify`;
    const template = deployment.spec.template as {
      spec: { containers: { args?: string[]; [field: string]: unknown }[]; [field: string]: unknown };
      metadata: { labels: Record<string, string> };
    };
    const containers = template.spec.containers.map(
      ({ livenessProbe: _live, readinessProbe: _ready, startupProbe: _start, ...container }) => ({
        ...container,
        args: ["verify"],
      }),
    );
    // The operator removes objects with its managed-by label that it does not want. The other labels stay,
    // since network policies select by them.
    const { "app.kubernetes.io/managed-by": _ours, ...labels } = template.metadata.labels;
    await this.ask(["delete", "job", name, "--ignore-not-found"]);
    await apply({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, namespace: this.namespace, labels },
      spec: {
        // A Service's new name may stay unresolved for a while, so the Job is retried. A real difference is
        // found at every try.
        backoffLimit: 2,
        template: { metadata: { labels }, spec: { ...template.spec, containers, restartPolicy: "Never" } },
      },
    });
    const job = await until("the comparison of ClickHouse with the log", 180_000, async () => {
      const found = await find<{
        readonly status?: {
          readonly succeeded?: number;
          readonly conditions?: readonly { readonly type: string; readonly status: string }[];
        };
      }>(["-n", this.namespace, "get", "job", name]);
      const { conditions = [] } = found?.status ?? {};
      const isOver = conditions.some(
        ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
      );
      return isOver ? found : undefined;
    });
    const said = await this.ask(["logs", `job/${name}`, "--tail=40"]);
    await this.ask(["delete", "job", name]);
    if (job.status?.succeeded !== 1) throw new Error(`I10: ClickHouse is not what the log is:\n${said}`);
    return said;
  }
}

import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { DrainOrder, DrainState, ShedOrder } from "@jichat/protocol/drain.ts";
import { readDrainOrder, readShedOrder } from "@jichat/protocol/drain.ts";
import type { Workload } from "../src/desired/workloads.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import type { ConnectorAdmin } from "../src/scale/ask-connectors.ts";
import { connectorAdmin } from "../src/scale/ask-connectors.ts";
import type { PodObject } from "../src/pod-object.ts";
import { isPodReady } from "../src/pod-object.ts";
import type { World } from "./world.ts";
import { NAMESPACE, unlessGone } from "./world.ts";

/** What a fake connector does. */
interface FakeConnector {
  sockets: number;
  state: DrainState;
  /** Devices that leave at each step; 0 keeps a drain where it is. */
  leaves: number;
  /** Devices that are still to go to others with fewer. */
  shedLeft: number;
  readonly server: Server;
}

/** An order that a connector got, and whether its Service still had it. */
export interface Ordered extends DrainOrder {
  readonly pod: string;
  readonly method: string;
  readonly wasInService: boolean;
}

/** As in the gauge of connectors. */
const STATES: readonly DrainState[] = ["none", "waiting", "draining", "drained"];
const RUNNING = { phase: "Running", podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] };

/** A shed that a connector was told. */
export interface Shed extends ShedOrder {
  readonly pod: string;
  /** Others had not told all of theirs yet. */
  readonly beside: number;
}

/** What kubelets and controllers would do for the connectors of one ChatCluster, and connectors themselves. */
export class FakeConnectors {
  readonly world: World;
  readonly cluster: string;
  readonly #connectors = new Map<string, FakeConnector>();
  #inService: readonly string[] = [];
  #made = 0;
  /** Every order, in the order of time. */
  readonly orders: Ordered[] = [];
  /** When each of them came, by the time of day. */
  readonly orderedAt: number[] = [];
  readonly sheds: Shed[] = [];
  /** Pods that were deleted although devices were connected. */
  readonly cut: string[] = [];
  leaves = 50;
  /** Kubelets say since when pods are ready: the operator then waits for connectors that have just started. */
  isTimed = false;
  /** New pods have no label of the Service, as those of an older operator. */
  isOlder = false;

  constructor(world: World, cluster: string) {
    this.world = world;
    this.cluster = cluster;
  }

  get admin(): ConnectorAdmin {
    return connectorAdmin((pod) => this.originOf(pod));
  }

  /** Where its admin port is. */
  originOf({ metadata }: PodObject): string | undefined {
    const server = this.#connectors.get(metadata.name)?.server;
    return server === undefined ? undefined : `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  sockets(pod: string): number {
    return this.#connectors.get(pod)?.sockets ?? 0;
  }

  connect(pod: string, sockets: number): void {
    const connector = this.#connectors.get(pod);
    if (connector === undefined) throw new Error(`there is no ${pod}`);
    connector.sockets = sockets;
  }

  async pods(): Promise<readonly PodObject[]> {
    const labelSelector = `app.kubernetes.io/instance=${this.cluster},app.kubernetes.io/component=connector`;
    return (await this.world.api.list<PodObject>(RESOURCES.pods, NAMESPACE, { labelSelector })).items;
  }

  async deployments(): Promise<readonly Workload[]> {
    const labelSelector = `app.kubernetes.io/instance=${this.cluster},app.kubernetes.io/component=connector`;
    return (await this.world.api.list<Workload>(RESOURCES.deployments, NAMESPACE, { labelSelector })).items;
  }

  /** A moment of their work. */
  async step(): Promise<void> {
    for (const deployment of await this.deployments()) await this.#control(deployment);
    await this.#probe();
    await this.#endpoints();
    this.#move();
  }

  stop(): void {
    for (const { server } of this.#connectors.values()) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #control(deployment: Workload): Promise<void> {
    const { spec, metadata } = deployment;
    const revision = metadata.labels?.["chat.jichat.io/revision"];
    const own = (await this.pods()).filter(
      (pod) => pod.metadata.labels?.["chat.jichat.io/revision"] === revision,
    );
    const wanted = spec.replicas ?? 0;
    for (let at = own.length; at < wanted; at += 1) await this.#create(spec.template.metadata);
    const costOf = (pod: PodObject): number =>
      Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0);
    const order = own.toSorted(
      (a, b) => Number(isPodReady(a)) - Number(isPodReady(b)) || costOf(a) - costOf(b),
    );
    const going = order.slice(0, Math.max(0, own.length - wanted));
    for (const pod of going) await this.#delete(pod.metadata.name);
    const ready = own.filter((pod) => isPodReady(pod) && !going.includes(pod)).length;
    const counts = { replicas: wanted, readyReplicas: ready, updatedReplicas: wanted };
    await this.#status(deployment, { ...counts, observedGeneration: metadata.generation });
  }

  async #create({ labels, annotations }: Workload["spec"]["template"]["metadata"]): Promise<void> {
    this.#made += 1;
    const name = `${this.cluster}-connector-${this.#made}`;
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        response.end(this.#answer(name, `${request.method} ${request.url}`, body));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    this.#connectors.set(name, { sockets: 0, state: "none", leaves: 0, shedLeft: 0, server });
    const { "chat.jichat.io/routed": routed, ...older } = labels;
    const own = this.isOlder || routed === undefined ? older : labels;
    const metadata = { name, namespace: NAMESPACE, labels: own, annotations };
    const pod = { apiVersion: "v1", kind: "Pod", metadata };
    const containers = [{ name: "connector", image: "connector:1" }];
    await this.world.api.create(RESOURCES.pods, {
      ...pod,
      spec: { containers, automountServiceAccountToken: false },
    } as KubeObject);
  }

  async #delete(name: string): Promise<void> {
    const connector = this.#connectors.get(name);
    if ((connector?.sockets ?? 0) > 0) this.cut.push(name);
    connector?.server.closeAllConnections();
    connector?.server.close();
    this.#connectors.delete(name);
    await this.world.api.remove(RESOURCES.pods, NAMESPACE, name);
  }

  async #probe(): Promise<void> {
    for (const pod of await this.pods()) {
      const is = this.#connectors.get(pod.metadata.name)?.state === "none";
      if (pod.status?.phase === "Running" && isPodReady(pod) === is) continue;
      const since = this.isTimed ? { lastTransitionTime: new Date().toISOString() } : {};
      const conditions = [{ type: "Ready", status: is ? "True" : "False", ...since }];
      await this.#status(pod, { ...RUNNING, conditions });
    }
  }

  async #endpoints(): Promise<void> {
    const service = `${this.cluster}-connector`;
    const found = await this.world.find<KubeObject & { spec: { selector: Record<string, string> } }>(
      RESOURCES.services,
      service,
    );
    if (found === undefined) return;
    const wanted = Object.entries(found.spec.selector);
    this.#inService = (await this.pods())
      .filter(
        (pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value) && isPodReady(pod),
      )
      .map(({ metadata }) => metadata.name);
    await this.world.api.apply(RESOURCES.endpointSlices, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${service}-1`,
        namespace: NAMESPACE,
        labels: { ...found.metadata.labels, "kubernetes.io/service-name": service },
      },
      addressType: "IPv4",
      endpoints: this.#inService.map((name) => ({
        addresses: ["10.0.0.1"],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name, namespace: NAMESPACE },
      })),
      ports: [],
    } as KubeObject);
  }

  /** Devices that are told go to a pod that is in the Service. */
  #move(): void {
    const [to] = this.#inService.flatMap((name) => this.#connectors.get(name) ?? []);
    for (const connector of this.#connectors.values()) {
      this.#shed(connector);
      if (connector.state !== "draining") continue;
      const some = Math.min(connector.sockets, this.leaves);
      connector.sockets -= some;
      if (to !== undefined) to.sockets += some;
      if (connector.sockets === 0) connector.state = "drained";
    }
  }

  /** Devices that are shed go where fewest are. */
  #shed(connector: FakeConnector): void {
    const ways = this.#inService.flatMap((name) => this.#connectors.get(name) ?? []);
    const some = Math.min(connector.shedLeft, this.leaves);
    for (let at = 0; at < some; at += 1) {
      const [to] = ways.toSorted((a, b) => a.sockets - b.sockets);
      connector.sockets -= 1;
      if (to !== undefined) to.sockets += 1;
    }
    connector.shedLeft -= some;
  }

  #takeShed(pod: string, connector: FakeConnector, body: string): void {
    const order = readShedOrder(body);
    const others = [...this.#connectors.values()].filter((one) => one !== connector);
    this.sheds.push({ pod, ...order, beside: others.filter(({ shedLeft }) => shedLeft > 0).length });
    connector.shedLeft = order.connections;
  }

  #answer(name: string, request: string, body: string): string {
    const connector = this.#connectors.get(name);
    if (connector === undefined) return "";
    const [method = "", path] = request.split(" ");
    if (path === "/shed") {
      this.#takeShed(name, connector, body);
      return "";
    }
    if (method === "POST") connector.state = "draining";
    if (method === "DELETE") connector.state = "none";
    if (method !== "GET") {
      this.orderedAt.push(Date.now());
      this.orders.push({
        pod: name,
        method,
        wasInService: this.#inService.includes(name),
        ...(method === "POST" ? readDrainOrder(body) : {}),
      });
    }
    const { state, sockets, shedLeft } = connector;
    return [
      `jichat_connector_sockets ${sockets}`,
      `jichat_connector_drain ${STATES.indexOf(state)}`,
      `jichat_connector_shed_left ${shedLeft}`,
      "",
    ].join("\n");
  }

  async #status(object: KubeObject, status: object): Promise<void> {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace } = metadata;
    const resource = kind === "Pod" ? RESOURCES.pods : RESOURCES.deployments;
    const wanted = { apiVersion, kind, metadata: { name, namespace }, status } as unknown as KubeObject;
    await unlessGone(this.world.api.apply(resource, wanted, { subresource: "status" }));
  }
}

import { Chat, laptop } from "../chat.ts";
import { LAB, read } from "../kubectl.ts";
import { NAMESPACE } from "../namespaces.ts";
import { install } from "../release.ts";

const NODES = 3;
const SETTLED_MS = 300_000;
/** Low enough that a drain of some hundred devices takes seconds, so that its rate can be seen. */
export const PER_SECOND = 25;
/** All devices come from one address: that of the node at whose port they knock. */
const LIMITS = { socketsPerAddressMax: 10_000, connectionsPerAddressMax: 0, handshakesPerSecond: 5_000 };

interface Node {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

export const nodes = async (): Promise<readonly Node[]> =>
  (await read<{ readonly items: readonly Node[] }>(["get", "nodes"])).items;

/** The node that no scenario kills: devices knock there, and what there is only one of lives there. */
export async function firstNode(): Promise<string> {
  const [first] = await nodes();
  if (first === undefined) throw new Error("the cluster has no node");
  return first.metadata.name;
}

const HOST = "kubernetes.io/hostname";

/** Redis goes elsewhere while its node is emptied. ClickHouse's volume cannot. */
const preferring = (node: string): object => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          preference: { matchExpressions: [{ key: HOST, operator: "In", values: [node] }] },
        },
      ],
    },
  },
});

/**
 * What each container needs under the load of these scenarios, as production states it. Without that, cores
 * go to pods that start as much as to those that serve, and far more to the control plane.
 */
const asking = (cpu: string, memory: string): object => ({ resources: { requests: { cpu, memory } } });

/** What there is one of is at `node`; everything else is there three times, or twice. */
function spread(node: string): object {
  const bound = { nodeSelector: { [HOST]: node } };
  return laptop({
    version: LAB.versions[0],
    connectors: { replicas: 3, service: { type: "NodePort" }, limits: LIMITS, ...asking("200m", "192Mi") },
    routers: { replicas: 3, ...asking("200m", "192Mi") },
    storage: { replicas: 2, ...asking("100m", "256Mi") },
    api: { replicas: 2 },
    durability: { replicas: 3 },
    drain: { deadlineSeconds: 120, maxReconnectsPerSecond: PER_SECOND },
    rollout: { progressDeadlineSeconds: 120, soakSeconds: 5 },
    nats: {
      managed: {
        replicas: 3,
        storage: { size: "2Gi" },
        image: LAB.backends.nats,
        ...asking("300m", "128Mi"),
      },
    },
    redis: {
      managed: { image: LAB.backends.redis, template: preferring(node), ...asking("100m", "64Mi") },
    },
    clickhouse: {
      managed: {
        storage: { size: "5Gi" },
        image: LAB.backends.clickhouse,
        template: bound,
        ...asking("200m", "512Mi"),
      },
    },
  });
}

/** The ChatCluster of these scenarios, as it is at the beginning of each file. It stays for the next one. */
export async function raiseSpread(): Promise<Chat> {
  const there = (await nodes()).length;
  if (there < NODES)
    throw new Error(
      `this cluster has ${there} node(s), and these scenarios need ${NODES}: run them with NODES=${NODES}`,
    );
  await install();
  const chat = new Chat(NAMESPACE, "spread");
  const spec = spread(await firstNode());
  await chat.apply(spec);
  await chat.settled(SETTLED_MS);
  if ((await chat.read()).status?.version === LAB.versions[0]) return chat;
  // A scenario that failed has left it with a version that was taken back, and that is not tried again.
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, `--timeout=${SETTLED_MS / 1_000}s`]);
  await chat.apply(spec);
  await chat.settled(SETTLED_MS);
  return chat;
}

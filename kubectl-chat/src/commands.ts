import type { Kubectl } from "./kubectl.ts";
import { Refusal } from "./kubectl.ts";
import type { PodTold } from "./report.ts";
import { report } from "./report.ts";

export interface Asked {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly name: string;
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

const COMPONENTS = ["connector", "canary", "router", "storage", "api", "push"];
const COMPONENT = "app.kubernetes.io/component";
const selectorOf = (name: string, component?: string): string =>
  [
    `app.kubernetes.io/instance=${name}`,
    "app.kubernetes.io/managed-by=jichat-operator",
    ...(component === undefined ? [] : [`${COMPONENT}=${component}`]),
  ].join(",");

async function podsOf({ kubectl, name }: Asked): Promise<readonly PodObject[]> {
  const { items } = await kubectl.read<{ readonly items: readonly PodObject[] }>([
    "get",
    "pods",
    `--selector=${selectorOf(name)}`,
  ]);
  return items;
}

async function tell({ kubectl, namespace }: Asked, { metadata, status }: PodObject): Promise<PodTold> {
  const component = metadata.labels[COMPONENT] ?? "";
  const [container] = status.containerStatuses ?? [];
  const isOurs = COMPONENTS.includes(component) && status.phase === "Running";
  const owns = isOurs && (component === "router" || component === "storage");
  const [metrics, partitions] = await Promise.all([
    isOurs ? kubectl.admin(namespace, metadata.name, "/metrics") : undefined,
    owns ? kubectl.admin(namespace, metadata.name, "/partitions") : undefined,
  ]);
  return {
    name: metadata.name,
    component,
    state: container?.state?.waiting?.reason ?? (container?.ready === true ? "Ready" : status.phase),
    restarts: container?.restartCount ?? 0,
    metrics,
    partitions: partitions === undefined ? undefined : (JSON.parse(partitions) as number[]),
  };
}

/** Conditions, connections per pod, partitions with their owners, and lag. */
export async function status(asked: Asked): Promise<string> {
  const { kubectl, namespace, name } = asked;
  const chat = await kubectl.read<{ readonly spec: object; readonly status?: object }>(["get", "chat", name]);
  const pods = await Promise.all((await podsOf(asked)).map(async (pod) => tell(asked, pod)));
  return report({ name, namespace, spec: chat.spec, status: chat.status ?? {}, pods });
}

export async function pause({ kubectl, name }: Asked, paused: boolean): Promise<string> {
  return kubectl.ask([
    "patch",
    "chat",
    name,
    "--type=merge",
    `--patch=${JSON.stringify({ spec: { paused } })}`,
  ]);
}

const DRAIN = "chat.jichat.io/drain";

/**
 * Asks the operator to drain a connector and to delete it then. Another one comes first, so that as many as
 * are wanted serve all the time.
 */
export async function drain(
  { kubectl, name }: Pick<Asked, "name"> & { readonly kubectl: Pick<Kubectl, "ask" | "read"> },
  pod: string | undefined,
): Promise<string> {
  const { items } = await kubectl.read<{ readonly items: readonly Pick<PodObject, "metadata">[] }>([
    "get",
    "pods",
    `--selector=${selectorOf(name, "connector")}`,
  ]);
  const names = items.map(({ metadata }) => metadata.name);
  if (pod === undefined || !names.includes(pod))
    throw new Refusal(
      `${pod === undefined ? "drain needs the name of a pod" : `${pod} is no connector of ${name}`}: its connectors are ${names.join(", ") || "none"}`,
    );
  const mark = JSON.stringify({ why: "Asked", since: new Date().toISOString() });
  await kubectl.ask(["annotate", "pod", pod, `${DRAIN}=${mark}`]);
  return `${pod} leaves once another connector is ready; \`kubectl chat status ${name}\` shows how far that is\n`;
}

const REBALANCE = "chat.jichat.io/rebalance";

/** Asks the operator to send devices from connectors that have many to those that have few, now. */
export async function rebalance(
  { kubectl, name }: Pick<Asked, "name"> & { readonly kubectl: Pick<Kubectl, "ask"> },
  now: Date,
): Promise<string> {
  await kubectl.ask(["annotate", "chat", name, "--overwrite", `${REBALANCE}=${now.toISOString()}`]);
  return `connectors of ${name} become level at drain.maxReconnectsPerSecond, once nobody drains; \`kubectl chat status ${name}\` shows how many connections each has\n`;
}

interface Held {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly conditions?: readonly { readonly reason: string; readonly message: string }[];
  };
}

const FINALIZER = "chat.jichat.io/data";

/**
 * Removes the finalizer, for when no operator is there or able to do it. The data that the operator would
 * have deleted stays.
 */
export async function release({
  kubectl,
  name,
  namespace,
}: Pick<Asked, "name" | "namespace"> & {
  readonly kubectl: Pick<Kubectl, "ask" | "read">;
}): Promise<string> {
  const { metadata, status } = await kubectl.read<Held>(["get", "chat", name]);
  const { finalizers = [], deletionTimestamp, resourceVersion } = metadata;
  if (deletionTimestamp === undefined)
    throw new Refusal(
      `${name} is not being deleted, and the operator would hold it again: first run kubectl delete chat ${name} -n ${namespace} --wait=false`,
    );
  if (!finalizers.includes(FINALIZER))
    throw new Refusal(
      `${name} is not held by ${FINALIZER}: its finalizers are ${finalizers.join(", ") || "none"}`,
    );
  const others = finalizers.filter((one) => one !== FINALIZER);
  const patch = { metadata: { finalizers: others, resourceVersion } };
  await kubectl.ask(["patch", "chat", name, "--type=merge", `--patch=${JSON.stringify(patch)}`]);
  const why = status?.conditions?.find(({ reason }) => reason === "DeletionBlocked")?.message;
  return `${name} was released; its data was not deleted${why === undefined ? "" : `: ${why}`}\n`;
}

/** Follows every pod's log, with the pod's name on each line. */
export async function logs(
  { kubectl, name }: Asked,
  component: string | undefined,
  follow: boolean,
): Promise<number> {
  if (component !== undefined && ![...COMPONENTS, "nats", "redis", "clickhouse"].includes(component))
    throw new Refusal(
      `there is no component ${component}: the components are ${COMPONENTS.join(", ")}, nats, redis and clickhouse`,
    );
  return kubectl.show([
    "logs",
    `--selector=${selectorOf(name, component)}`,
    "--prefix",
    "--max-log-requests=100",
    "--tail=200",
    ...(follow ? ["--follow"] : []),
  ]);
}

/**
 * Everything that the components logged for a trace ID, in order of time. Error frames and REST replies carry
 * it as `traceId`, so it leads from an error message to its cause.
 */
export async function trace(asked: Asked, traceId: string): Promise<string> {
  if (!/^[0-9a-f]{32}$/.test(traceId))
    throw new Refusal(`a trace ID is 32 of 0-9 and a-f, as in an error's \`traceId\`: ${traceId}`);
  const pods = (await podsOf(asked)).filter(({ metadata }) =>
    COMPONENTS.includes(metadata.labels[COMPONENT] ?? ""),
  );
  const found = await Promise.all(
    pods.map(async ({ metadata }) => {
      const text = await asked.kubectl.ask(["logs", metadata.name]).catch(() => "");
      return text
        .split("\n")
        .filter((line) => line.includes(traceId))
        .map((line) => ({ at: timeOf(line), line: `${metadata.name}  ${line}` }));
    }),
  );
  const lines = found.flat().sort((a, b) => a.at - b.at);
  if (lines.length === 0)
    throw new Refusal(
      `no pod of ${asked.name} logged anything under ${traceId}: only failures are logged. Whole traces are where spec.observability.otlp sends them`,
    );
  return `${lines.map(({ line }) => line).join("\n")}\n`;
}

function timeOf(line: string): number {
  const found = /"time":(\d+)/.exec(line);
  return found === null ? 0 : Number(found[1]);
}

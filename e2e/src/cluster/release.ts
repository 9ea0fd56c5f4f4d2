import { join } from "node:path";
import type { Pod } from "./chat.ts";
import { NAMESPACE } from "./namespaces.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB, helm, kubectl, read } from "./kubectl.ts";

const ROOT = join(import.meta.dirname, "../../..");
export const CHART = join(ROOT, "chart");
export const RELEASE = "jichat";
/** The chart of commit e42934b, whose CRD is older than the present one. */
export const EARLIER_CHART = join(ROOT, "e2e/cluster/earlier/jichat-0.1.0.tgz");

/** Installs the chart, or another version of it. */
export async function install(chart = CHART, more: readonly string[] = []): Promise<void> {
  await kubectl(["create", "namespace", NAMESPACE]).catch((error: unknown) => {
    if (!String(error).includes("already exists")) throw error;
  });
  // The namespace refuses every pod that is not `restricted`, as a careful administrator would set it.
  await kubectl([
    "label",
    "namespace",
    NAMESPACE,
    "--overwrite",
    "pod-security.kubernetes.io/enforce=restricted",
  ]);
  const values = [
    "--set",
    `image.registry=${LAB.registry}`,
    "--set",
    "probeMs=5000",
    "--set",
    "resyncMs=10000",
    "--set-string",
    `podAnnotations.run=${LAB.run}`,
  ];
  await helm([
    "upgrade",
    "--install",
    RELEASE,
    chart,
    "-n",
    NAMESPACE,
    "--wait",
    "--timeout=120s",
    ...values,
    ...more,
  ]);
}

/** All pods of the operator, whether they lead or not. */
export async function operators(): Promise<readonly Pod[]> {
  const selector =
    "app.kubernetes.io/name=jichat-operator,app.kubernetes.io/component notin (test, uninstall)";
  const { items } = await read<{ readonly items: readonly Pod[] }>([
    "-n",
    NAMESPACE,
    "get",
    "pods",
    "-l",
    selector,
  ]);
  return items;
}

/** The running pod of the leading operator. */
export async function leader(): Promise<Pod> {
  return until("an operator leads", 60_000, async () => {
    const { spec } = await read<{ readonly spec: { readonly holderIdentity?: string } }>([
      "-n",
      NAMESPACE,
      "get",
      "lease",
      "jichat-operator",
    ]);
    const holder = spec.holderIdentity ?? "";
    // An instance's name ends the name of its pod. A holder whose process is gone does not lead.
    return (await operators()).find(
      ({ metadata: { name }, status }) =>
        holder !== "" &&
        holder.startsWith(name.slice(-24).replace(/^-+/, "")) &&
        status.containerStatuses?.every(({ ready }) => ready) === true,
    );
  });
}

/** Resolves once exactly this many operators exist and are ready. */
export async function scaleOperator(replicas: number): Promise<void> {
  await kubectl(["-n", NAMESPACE, "scale", `deployment/${RELEASE}-operator`, `--replicas=${replicas}`]);
  await until(`${replicas} operators are ready`, 60_000, async () => {
    const pods = await operators();
    const ready = pods.filter(({ status }) => status.containerStatuses?.every((one) => one.ready) === true);
    return pods.length === replicas && ready.length === replicas ? true : undefined;
  });
}

import { join } from "node:path";
import type { Pod } from "./chat.ts";
import { NAMESPACE } from "./namespaces.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB, helm, kubectl, read } from "./kubectl.ts";

const ROOT = join(import.meta.dirname, "../../..");
export const CHART = join(ROOT, "chart");
export const RELEASE = "jichat";
/** Packaged from commit e42934b: its CRD is older than this one's. */
export const EARLIER_CHART = join(ROOT, "e2e/cluster/earlier/jichat-0.1.0.tgz");

/** Puts the chart in, or another version of it. */
export async function install(chart = CHART, more: readonly string[] = []): Promise<void> {
  await kubectl(["create", "namespace", NAMESPACE]).catch((error: unknown) => {
    if (!String(error).includes("already exists")) throw error;
  });
  // Whatever cannot run as restricted is refused here, as at a careful operator's.
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

/** The operator's pod that leads, and runs. */
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
    // An instance's name is the end of its pod's; a holder whose process is gone does not lead.
    return (await operators()).find(
      ({ metadata: { name }, status }) =>
        holder !== "" &&
        holder.startsWith(name.slice(-24).replace(/^-+/, "")) &&
        status.containerStatuses?.every(({ ready }) => ready) === true,
    );
  });
}

export async function scaleOperator(replicas: number): Promise<void> {
  await kubectl(["-n", NAMESPACE, "scale", `deployment/${RELEASE}-operator`, `--replicas=${replicas}`]);
  await until(`${replicas} operators are ready`, 60_000, async () => {
    const pods = await operators();
    const ready = pods.filter(({ status }) => status.containerStatuses?.every((one) => one.ready) === true);
    return pods.length === replicas && ready.length === replicas ? true : undefined;
  });
}

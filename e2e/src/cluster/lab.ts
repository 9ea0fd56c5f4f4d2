import { existsSync } from "node:fs";
import type { KindCluster } from "@jichat/tools/cluster/kind.ts";
import { createCluster, deleteCluster } from "@jichat/tools/cluster/kind.ts";
import { loadInto } from "@jichat/tools/cluster/load.ts";
import { exec } from "@jichat/testkit/exec.ts";
import type { Builder } from "@jichat/tools/images/builder.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { UserError, during, say } from "@jichat/testkit/say.ts";

import { HANDS, NAMESPACE } from "./namespaces.ts";

/** A cluster to which scenarios may do anything. */
export interface Lab {
  /** The command prefix for every program that talks to the cluster. */
  readonly enter: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The registry from which the nodes get images. */
  readonly registry: string;
  /** A pull policy other than the default, with which pods can also start here. */
  readonly pullPolicy: "Never" | "Always";
  /** The program that runs the nodes' containers. Empty if the nodes are not ours. */
  readonly engine: "podman" | "docker" | "";
  bring(builder: Builder, tags: readonly string[]): Promise<void>;
  leave(): Promise<void>;
}

const NAME = "e2e";

/** A local kind cluster. If it is kept, the next run uses it again. */
export async function kindLab(nodes: number, isKept: boolean): Promise<Lab> {
  if (!isKept) await deleteCluster(NAME); // Left by a run that was interrupted.
  const cluster = await createCluster(NAME, nodes);
  if (nodes > 1) await useControlPlane(cluster);
  return {
    enter: cluster.enter,
    env: cluster.env,
    registry: "localhost/jichat",
    pullPolicy: "Never", // The images are already on the nodes.
    engine: cluster.enter.length === 0 ? "docker" : "podman",
    bring: async (builder, tags) => loadInto(cluster, builder, tags),
    leave: async () => {
      if (isKept) say("the cluster stays (KEEP): make cluster-down CLUSTER=e2e takes it away");
      else await deleteCluster(NAME);
    },
  };
}

const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

/** Lets pods run beside the control plane too: the scenarios need as many nodes as there are. */
async function useControlPlane({ enter, env }: KindCluster): Promise<void> {
  const [program, ...args] = [...enter, await needProgram("kubectl")];
  const taint = ["taint", "node", "-l", CONTROL_PLANE, `${CONTROL_PLANE}:NoSchedule-`];
  const { code, stderr } = await exec(program, [...args, ...taint], { env });
  // A cluster that was kept has lost it before.
  if (code !== 0 && !stderr.includes("not found"))
    throw new UserError(`pods may not run beside the control plane: ${stderr.trim()}`);
}

const CRD = "crd/chatclusters.chat.jichat.io";

/**
 * An existing cluster. Images go through a registry that its nodes pull from, and everything that the
 * scenarios made is removed. A cluster with JiChat in it is refused, since scenarios kill, upgrade and
 * uninstall.
 */
export async function existingLab(kubeconfig: string, registry: string, isKept: boolean): Promise<Lab> {
  if (!existsSync(kubeconfig)) throw new UserError(`KUBECONFIG: there is no file ${kubeconfig}`);
  if (registry === "")
    throw new UserError(
      "REGISTRY is not set: with KUBECONFIG images are pushed, to a registry that the cluster's nodes pull from",
    );
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const program = await needProgram("kubectl");
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await exec(program, args, { env });
    if (code !== 0) throw new UserError(`kubectl ${args.join(" ")}: ${stderr.trim()}`);
    return stdout.trim();
  };
  const found = await kubectl("get", CRD, "--ignore-not-found", "-o", "name");
  if (found !== "" && !isKept)
    throw new UserError(
      `this cluster has JiChat (${found}): the scenarios would take it away. Give them one without`,
    );
  return {
    enter: [],
    env,
    registry,
    pullPolicy: "Always", // The images are in a registry.
    engine: "",
    bring: async (builder, tags) => {
      for (const tag of tags) await during(`pushing ${tag}`, builder.push(tag));
    },
    leave: async () => {
      if (isKept) return;
      // A failed scenario may leave a ChatCluster without an operator. Nothing else would remove its
      // finalizer.
      const left = await kubectl("-n", NAMESPACE, "get", "--ignore-not-found", "chat", "-o", "name");
      for (const chat of left.split("\n").filter((name) => name !== ""))
        await kubectl(
          "-n",
          NAMESPACE,
          "patch",
          chat,
          "--type=merge",
          "-p",
          '{"metadata":{"finalizers":null}}',
        );
      const gone = kubectl(
        "delete",
        "--ignore-not-found",
        CRD,
        `namespace/${NAMESPACE}`,
        `namespace/${HANDS}`,
      );
      await during("taking away what the scenarios made", gone);
    },
  };
}

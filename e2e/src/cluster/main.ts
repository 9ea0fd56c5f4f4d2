import { globSync } from "node:fs";
import { ROOT } from "@jichat/tools/cache.ts";
import { createCluster, deleteCluster } from "@jichat/tools/cluster/kind.ts";
import type { KindCluster } from "@jichat/tools/cluster/kind.ts";
import { loadInto } from "@jichat/tools/cluster/load.ts";
import { needPodman } from "@jichat/tools/cluster/podman.ts";
import { show } from "@jichat/tools/exec.ts";
import { hasDocker, needBuilder } from "@jichat/tools/images/builder.ts";
import { buildAll, makeImages } from "@jichat/tools/images/make.ts";
import { buildPlugin } from "@jichat/tools/plugin.ts";
import { needProgram } from "@jichat/tools/kubernetes.ts";
import { Plain, main, say } from "@jichat/tools/say.ts";
import { BACKEND_IMAGES, makeBackendImages } from "./backend-images.ts";

/**
 * The scenarios on a real cluster: builds and loads the images, runs the tests where they reach the
 * cluster, and takes
 * the cluster away. `KEEP=1` leaves it, and the next run goes on with it; `ONLY=` runs the files that have
 * it in their
 * name.
 */
const NAME = "e2e";
const REGISTRY = "localhost/jichat";
const VERSIONS = ["0.1.0", "0.1.1"] as const;
const { KEEP = "", ONLY = "", NODES = "1" } = process.env;

async function loadImages(cluster: KindCluster, podman: Readonly<Record<string, string>>): Promise<void> {
  const builder = await needBuilder(podman);
  const options = { registry: REGISTRY, version: VERSIONS[0], isEmbedded: false };
  const images = await makeImages(options, builder);
  const next = await buildAll(builder, { ...options, version: VERSIONS[1] });
  const backends = await makeBackendImages(builder);
  await loadInto(cluster, builder, [...images, ...next, ...backends]);
}

async function runTests(cluster: KindCluster, isDocker: boolean): Promise<boolean> {
  const files = globSync("e2e/cluster/**/*.test.ts", { cwd: ROOT })
    .filter((path) => path.includes(ONLY))
    .sort();
  if (files.length === 0) throw new Plain(`no test file has ${ONLY} in its name (ONLY)`);
  const [program, ...args] = [
    ...cluster.enter,
    process.execPath,
    "--test",
    "--test-concurrency=1",
    "--test-reporter=spec",
    ...files,
  ];
  const env = {
    ...cluster.env,
    E2E_KUBECTL: await needProgram("kubectl"),
    E2E_HELM: await needProgram("helm"),
    E2E_NODE_EXEC: JSON.stringify([isDocker ? "docker" : "podman", "exec"]),
    E2E_REGISTRY: REGISTRY,
    E2E_VERSIONS: JSON.stringify(VERSIONS),
    E2E_BACKENDS: JSON.stringify(BACKEND_IMAGES),
    E2E_KUBECTL_CHAT: await buildPlugin(),
  };
  return (await show(program ?? "", args, { cwd: ROOT, env })) === 0;
}

await main(async () => {
  const isDocker = await hasDocker();
  const podman = isDocker ? {} : await needPodman();
  if (KEEP === "") await deleteCluster(NAME); // Of a run that was cut off.
  try {
    const cluster = await createCluster(NAME, Number(NODES));
    await loadImages(cluster, podman);
    if (!(await runTests(cluster, isDocker))) process.exitCode = 1;
  } finally {
    if (KEEP === "") await deleteCluster(NAME);
    else say("the cluster stays (KEEP): make cluster-down CLUSTER=e2e takes it away");
  }
});

import { globSync } from "node:fs";
import { ROOT } from "@jichat/testkit/cache.ts";
import { needPodman } from "@jichat/tools/cluster/podman.ts";
import { show } from "@jichat/testkit/exec.ts";
import { hasDocker, needBuilder } from "@jichat/tools/images/builder.ts";
import { buildAll, makeImages } from "@jichat/tools/images/make.ts";
import { buildPlugin } from "@jichat/tools/plugin.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { reporterArgs } from "@jichat/testkit/test-reporters.ts";
import { UserError, main } from "@jichat/testkit/say.ts";
import { filesToRun } from "./files.ts";
import type { Lab } from "./lab.ts";
import { existingLab, kindLab } from "./lab.ts";
import { backendImages, handImage, makeTestImages } from "@jichat/tools/images/test-images.ts";

/**
 * Runs the scenarios on a real cluster: builds and loads the images, runs the tests from where they reach the
 * cluster, and removes everything. `KEEP=1` keeps the cluster, and the next run reuses it. `ONLY=` runs the
 * files whose names contain it, and `NIGHTLY=1` runs all files.
 */
const VERSIONS = ["0.1.0", "0.1.1"] as const;
const { KEEP = "", ONLY = "", NIGHTLY = "", NODES = "1", E2E_KUBECONFIG = "", REGISTRY = "" } = process.env;

/**
 * The same images under other names: a ChatCluster that moves to them rolls its pods, and does not change
 * otherwise.
 */
const elsewhere = (registry: string): string => `${registry}-elsewhere`;

async function bringImages(lab: Lab): Promise<void> {
  const { registry } = lab;
  const builder = await needBuilder((await hasDocker()) ? {} : await needPodman());
  const options = { registry, version: VERSIONS[0], isEmbedded: false };
  const images = await makeImages(options, builder);
  const next = await buildAll(builder, { ...options, version: VERSIONS[1] });
  const backends = backendImages(`${registry}-test`);
  const ofTests = { ...backends, hand: handImage(`${registry}-test`) };
  const all = [...images, ...next, ...(await makeTestImages(builder, ofTests))];
  const moving = [...images, ...next, ...Object.values(backends)];
  const moved = moving.map((image) => image.replace(registry, elsewhere(registry)));
  for (const [at, image] of moving.entries()) await builder.tag(image, moved[at] ?? image);
  await lab.bring(builder, [...all, ...moved]);
}

async function runTests({ enter, env, registry, pullPolicy }: Lab): Promise<boolean> {
  const there = globSync("e2e/cluster/**/*.test.ts", { cwd: ROOT });
  const files = filesToRun(there, { only: ONLY, isNight: NIGHTLY !== "" });
  if (files.length === 0) throw new UserError(`no test file has ${ONLY} in its name (ONLY)`);
  const [program, ...args] = [
    ...enter,
    process.execPath,
    "--test",
    "--test-concurrency=1",
    ...reporterArgs(),
    ...files,
  ];
  const settings = {
    E2E_KUBECTL: await needProgram("kubectl"),
    E2E_HELM: await needProgram("helm"),
    E2E_REGISTRY: registry,
    E2E_ELSEWHERE: elsewhere(registry),
    E2E_PULL_POLICY: pullPolicy,
    E2E_VERSIONS: JSON.stringify(VERSIONS),
    E2E_BACKENDS: JSON.stringify(backendImages(`${registry}-test`)),
    E2E_HAND_IMAGE: handImage(`${registry}-test`),
    E2E_KUBECTL_CHAT: await buildPlugin(),
  };
  return (await show(program ?? "", args, { cwd: ROOT, env: { ...env, ...settings } })) === 0;
}

await main(async () => {
  const isKept = KEEP !== "";
  const lab =
    E2E_KUBECONFIG === ""
      ? await kindLab(Number(NODES), isKept)
      : await existingLab(E2E_KUBECONFIG, REGISTRY, isKept);
  try {
    await bringImages(lab);
    if (!(await runTests(lab))) process.exitCode = 1;
  } finally {
    await lab.leave();
  }
});

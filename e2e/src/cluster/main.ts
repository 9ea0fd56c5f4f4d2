import { globSync } from "node:fs";
import { ROOT } from "@jichat/tools/cache.ts";
import { needPodman } from "@jichat/tools/cluster/podman.ts";
import { show } from "@jichat/tools/exec.ts";
import { hasDocker, needBuilder } from "@jichat/tools/images/builder.ts";
import { buildAll, makeImages } from "@jichat/tools/images/make.ts";
import { buildPlugin } from "@jichat/tools/plugin.ts";
import { needProgram } from "@jichat/tools/kubernetes.ts";
import { Plain, main } from "@jichat/tools/say.ts";
import type { Lab } from "./lab.ts";
import { existingLab, kindLab } from "./lab.ts";
import { backendImages, handImage, makeTestImages } from "./test-images.ts";

/**
 * The scenarios on a real cluster: builds the images and brings them there, runs the tests where they reach
 * the cluster, and takes all of it away. `KEEP=1` leaves it, and the next run goes on with it; `ONLY=` runs
 * the files that have it in their name.
 */
const VERSIONS = ["0.1.0", "0.1.1"] as const;
const { KEEP = "", ONLY = "", NODES = "1", E2E_KUBECONFIG = "", REGISTRY = "" } = process.env;

async function bringImages(lab: Lab): Promise<void> {
  const { registry } = lab;
  const builder = await needBuilder((await hasDocker()) ? {} : await needPodman());
  const options = { registry, version: VERSIONS[0], isEmbedded: false };
  const images = await makeImages(options, builder);
  const next = await buildAll(builder, { ...options, version: VERSIONS[1] });
  const ofTests = { ...backendImages(`${registry}-test`), hand: handImage(`${registry}-test`) };
  await lab.bring(builder, [...images, ...next, ...(await makeTestImages(builder, ofTests))]);
}

async function runTests({ enter, env, registry }: Lab): Promise<boolean> {
  const files = globSync("e2e/cluster/**/*.test.ts", { cwd: ROOT })
    .filter((path) => path.includes(ONLY))
    .sort();
  if (files.length === 0) throw new Plain(`no test file has ${ONLY} in its name (ONLY)`);
  const [program, ...args] = [
    ...enter,
    process.execPath,
    "--test",
    "--test-concurrency=1",
    "--test-reporter=spec",
    ...files,
  ];
  const settings = {
    E2E_KUBECTL: await needProgram("kubectl"),
    E2E_HELM: await needProgram("helm"),
    E2E_REGISTRY: registry,
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

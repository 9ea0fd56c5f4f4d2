import { globSync } from "node:fs";
import { ROOT } from "@jichat/testkit/cache.ts";
import { needPodman } from "@jichat/tools/cluster/podman.ts";
import { show } from "@jichat/testkit/exec.ts";
import type { Builder } from "@jichat/tools/images/builder.ts";
import { hasDocker, needBuilder } from "@jichat/tools/images/builder.ts";
import { buildAll, makeImages } from "@jichat/tools/images/make.ts";
import { buildPlugin } from "@jichat/tools/plugin.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { reporterArgs } from "@jichat/testkit/test-reporters.ts";
import { UserError, main } from "@jichat/testkit/say.ts";
import { makeBrokenImages } from "./broken-images.ts";
import type { Round } from "./files.ts";
import { filesToRun, roundsOf } from "./files.ts";
import type { Lab } from "./lab.ts";
import { existingLab, kindLab } from "./lab.ts";
import { backendImages, handImage, makeTestImages } from "@jichat/tools/images/test-images.ts";

/**
 * Runs the scenarios on a real cluster: builds and loads the images, runs the tests from where they reach the
 * cluster, and removes everything. `KEEP=1` keeps the cluster, and the next run reuses it. `ONLY=` runs the
 * files whose paths contain it, and `NIGHTLY=1` runs all files.
 */
const VERSIONS = ["0.1.0", "0.1.1"] as const;
const { KEEP = "", ONLY = "", NIGHTLY = "", NODES = "1", E2E_KUBECONFIG = "", REGISTRY = "" } = process.env;

/**
 * The same images under other names: a ChatCluster that moves to them rolls its pods, and does not change
 * otherwise.
 */
const elsewhere = (registry: string): string => `${registry}-elsewhere`;

/** The file of scenarios that roll broken images out. */
const BROKEN_FILE = "scale/broken.";

interface Images {
  readonly builder: Builder;
  readonly tags: readonly string[];
}

async function buildImages(registry: string, files: readonly string[]): Promise<Images> {
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
  // They are for one file, and building and loading them takes a while.
  const isAsked = files.some((path) => path.includes(BROKEN_FILE));
  const broken = isAsked ? await makeBrokenImages(builder, registry, VERSIONS[1]) : [];
  return { builder, tags: [...all, ...moved, ...broken] };
}

/** The files that are asked for, by the cluster that they need. */
function rounds(): readonly Round[] {
  const there = globSync("e2e/cluster/**/*.test.ts", { cwd: ROOT });
  const files = filesToRun(there, { only: ONLY, isNight: NIGHTLY !== "" });
  if (files.length === 0) throw new UserError(`no test file has ${ONLY} in its path (ONLY)`);
  // A cluster of somebody else has the nodes that it has.
  if (E2E_KUBECONFIG !== "") return [{ nodes: Number(NODES), files }];
  const all = roundsOf(files, Number(NODES));
  if (KEEP !== "" && all.length > 1)
    throw new UserError(
      "KEEP keeps one cluster, and these files need two of different sizes: name files of one size (ONLY=), or set NODES=3",
    );
  return all;
}

async function runTests(lab: Lab, files: readonly string[]): Promise<boolean> {
  const { enter, env, registry, pullPolicy, engine } = lab;
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
    E2E_ENGINE: engine,
    E2E_VERSIONS: JSON.stringify(VERSIONS),
    E2E_BACKENDS: JSON.stringify(backendImages(`${registry}-test`)),
    E2E_HAND_IMAGE: handImage(`${registry}-test`),
    E2E_KUBECTL_CHAT: await buildPlugin(),
    E2E_RUN: String(Date.now()),
  };
  return (await show(program ?? "", args, { cwd: ROOT, env: { ...env, ...settings } })) === 0;
}

await main(async () => {
  const isKept = KEEP !== "";
  const isHere = E2E_KUBECONFIG === "";
  const asked = rounds();
  let images: Images | undefined;
  for (const { nodes, files } of asked) {
    const lab = isHere ? await kindLab(nodes, isKept) : await existingLab(E2E_KUBECONFIG, REGISTRY, isKept);
    try {
      images ??= await buildImages(
        lab.registry,
        asked.flatMap((round) => round.files),
      );
      await lab.bring(images.builder, images.tags);
      if (!(await runTests(lab, files))) process.exitCode = 1;
    } finally {
      await lab.leave();
    }
  }
});

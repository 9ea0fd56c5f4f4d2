import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backendImages, makeTestImages } from "./images/test-images.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { findCluster } from "./cluster/kind.ts";
import { loadInto } from "./cluster/load.ts";
import { nextSteps, withBackends } from "./cluster/next-steps.ts";
import { needPodman } from "./cluster/podman.ts";
import { which } from "@jichat/testkit/exec.ts";
import { hasDocker, needBuilder } from "./images/builder.ts";
import { makeImages } from "./images/make.ts";
import { VERSION, REGISTRY } from "@jichat/testkit/image-names.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";

/**
 * `make load`: builds the images and loads them into the cluster of `make cluster`, under the names that the
 * chart and samples use. Where nothing can be pulled, it also loads the backends, and writes a sample that
 * names them.
 */
await main(async () => {
  const { CLUSTER = "dev" } = process.env;
  const cluster = await findCluster(CLUSTER);
  if (cluster === undefined) throw new UserError(`there is no cluster ${CLUSTER}: \`make cluster\` makes it`);
  const canPull = await hasDocker();
  const builder = await needBuilder(canPull ? {} : await needPodman());
  const images = await makeImages({ registry: REGISTRY, version: VERSION, isEmbedded: false }, builder);
  const backends = canPull ? [] : await makeTestImages(builder, backendImages());
  await loadInto(cluster, builder, [...images, ...backends]);
  let sample = "chart/samples/laptop.yaml";
  if (!canPull) {
    sample = ".data/laptop.yaml";
    mkdirSync(join(ROOT, ".data"), { recursive: true });
    writeFileSync(
      join(ROOT, sample),
      withBackends(readFileSync(join(ROOT, "chart/samples/laptop.yaml"), "utf8"), backendImages()),
    );
  }
  say("the cluster has the images. Next:");
  say(`  export KUBECONFIG=${cluster.kubeconfig}`);
  const helm = which("helm") ?? (await needProgram("helm"));
  const kubectl = which("kubectl") ?? (await needProgram("kubectl"));
  for (const line of nextSteps({ enter: cluster.enter, helm, kubectl, sample })) say(`  ${line}`);
});

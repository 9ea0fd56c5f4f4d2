import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Builder } from "../images/builder.ts";
import { during } from "@jichat/testkit/say.ts";
import type { KindCluster } from "./kind.ts";

/** Loads locally built images into every node, in one archive, so that shared layers are sent once. */
export async function loadInto(
  cluster: KindCluster,
  builder: Builder,
  tags: readonly string[],
): Promise<void> {
  const folder = join(ROOT, ".data/archives");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, "images.tar");
  await during("packing the images", builder.save(tags, archive));
  await during("loading the images", cluster.load(archive));
  rmSync(folder, { recursive: true });
}

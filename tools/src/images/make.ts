import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { during } from "@jichat/testkit/say.ts";
import { localBase } from "./node-root.ts";
import type { Builder } from "./builder.ts";
import { needBuilder } from "./builder.ts";
import { COMPONENTS, makeContext } from "./context.ts";

export interface ImagesOptions {
  readonly registry: string;
  /** The tag of the images, and the version in their labels. */
  readonly version: string;
  readonly isEmbedded: boolean;
  /**
   * An image with Node 24 on glibc 2.38 or newer. If it is left out, it is the Dockerfile's own base, or one
   * that is made here.
   */
  readonly base?: string;
}

const CONTEXT = join(ROOT, ".data/images");

/**
 * docker pulls the Dockerfile's base. buildah is used where nothing can be pulled, so the base is made here.
 */
export const baseArgs = async (
  builder: Builder,
  base?: string,
): Promise<Readonly<Record<string, string>>> => {
  const named = base ?? (builder.name === "buildah" ? await localBase(builder) : undefined);
  return named === undefined ? {} : { BASE: named };
};

const revision = async (): Promise<string> =>
  (await exec("git", ["rev-parse", "HEAD"], { cwd: ROOT })).stdout.trim() || "unknown";

/** Builds all images from the present context. Another version means another label, and so another image. */
export async function buildAll(
  builder: Builder,
  { registry, version, isEmbedded, base }: ImagesOptions,
): Promise<readonly string[]> {
  const args = { ...(await baseArgs(builder, base)), VERSION: version, REVISION: await revision() };
  const dockerfile = join(ROOT, "Dockerfile");
  const made: string[] = [];
  for (const target of [...COMPONENTS, ...(isEmbedded ? ["storage-embedded"] : [])]) {
    const tag = `${registry}/${target}:${version}`;
    await during(
      `building ${tag} with ${builder.name}`,
      builder.build({ dockerfile, target, context: CONTEXT, tag, args }),
    );
    made.push(tag);
  }
  return made;
}

/** Builds all images, and returns their names. */
export async function makeImages(options: ImagesOptions, builder?: Builder): Promise<readonly string[]> {
  const by = builder ?? (await needBuilder());
  await during("bundling the components", makeContext(CONTEXT, options.isEmbedded));
  return buildAll(by, options);
}

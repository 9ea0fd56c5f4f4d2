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
  /** The tag, and what the labels call the version. */
  readonly version: string;
  readonly isEmbedded: boolean;
  /**
   * An image with Node 24 on glibc 2.38 or newer; the Dockerfile's own, or one made here, where it is left
   * out.
   */
  readonly base?: string;
}

const CONTEXT = join(ROOT, ".data/images");

/** docker pulls the Dockerfile's base; buildah is used where nothing can be pulled. */
export const baseArgs = async (
  builder: Builder,
  base?: string,
): Promise<Readonly<Record<string, string>>> => {
  const named = base ?? (builder.name === "buildah" ? await localBase(builder) : undefined);
  return named === undefined ? {} : { BASE: named };
};

const revision = async (): Promise<string> =>
  (await exec("git", ["rev-parse", "HEAD"], { cwd: ROOT })).stdout.trim() || "unknown";

/**
 * Builds from the context as it is: the same under another version is another label, and so another image.
 */
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

/** Builds all; the names of what was built. */
export async function makeImages(options: ImagesOptions, builder?: Builder): Promise<readonly string[]> {
  const by = builder ?? (await needBuilder());
  await during("bundling the components", makeContext(CONTEXT, options.isEmbedded));
  return buildAll(by, options);
}

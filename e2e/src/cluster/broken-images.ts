import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { during } from "@jichat/testkit/say.ts";
import type { Builder } from "@jichat/tools/images/builder.ts";
import { COMPONENTS } from "@jichat/tools/images/context.ts";

/** The ways in which a connector's image can be broken (`e2e/images/broken.mjs`). */
const WAYS = ["crashes", "loses", "slow"] as const;
export type Way = (typeof WAYS)[number];

/** The version whose connector is broken in this way. All its other images are good ones. */
export const brokenVersion = (way: Way): string => `0.1.2-${way}`;

/** Makes the images of all broken versions out of those of a good one. Returns their names. */
export async function makeBrokenImages(
  builder: Builder,
  registry: string,
  good: string,
): Promise<readonly string[]> {
  const context = join(ROOT, "e2e/images");
  const made: string[] = [];
  for (const way of WAYS)
    for (const component of COMPONENTS) {
      const from = `${registry}/${component}:${good}`;
      const tag = `${registry}/${component}:${brokenVersion(way)}`;
      const args = { CONNECTOR: from, BROKEN: way };
      const image = { dockerfile: join(context, "Dockerfile"), target: "broken", context, tag, args };
      if (component === "connector") await during(`building ${tag}`, builder.build(image));
      else await builder.tag(from, tag);
      made.push(tag);
    }
  return made;
}

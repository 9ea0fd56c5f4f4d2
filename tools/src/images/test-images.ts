import { hash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "@jichat/testkit/bundle.ts";
import { ROOT, cached } from "@jichat/testkit/cache.ts";
import type { Builder } from "./builder.ts";
import { baseArgs } from "./make.ts";
import { debianRoot } from "./node-root.ts";
import { VERSIONS, needChdb, needNats } from "@jichat/testkit/needs.ts";
import { during } from "@jichat/testkit/say.ts";

const LOCAL = "localhost/jichat-test";

/** The images of managed backends in the tests' ChatClusters. */
export const backendImages = (registry = LOCAL) => ({
  nats: `${registry}/nats:${VERSIONS.nats}`,
  redis: `${registry}/redis:trixie`,
  clickhouse: `${registry}/clickhouse:${VERSIONS.chdb}-${frontVersion()}`,
});

/** An image with a shell, for the tests' pod on each node. */
export const handImage = (registry: string): string => `${registry}/hand:trixie`;

/** The front changes with the project, so the tag has a hash of its source. */
function frontVersion(): string {
  const source = readFileSync(join(ROOT, "e2e/src/clickhouse-front.ts"));
  return hash("sha256", source, "hex").slice(0, 8);
}

/** Builds the test images that do not exist yet, by the Dockerfile's targets. Returns their names. */
export async function makeTestImages(
  builder: Builder,
  images: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const tags = Object.values(images);
  if ((await Promise.all(tags.map((tag) => builder.has(tag)))).every(Boolean)) return tags;
  const context = join(ROOT, ".data/backend-images");
  rmSync(context, { recursive: true, force: true });
  mkdirSync(join(context, "nats/usr/local/bin"), { recursive: true });
  cpSync((await needNats()).path, join(context, "nats/usr/local/bin/nats-server"));
  for (const [name, debian] of [
    ["redis", "redis-server"],
    ["hand", "busybox-static"],
  ] as const) {
    const root = await cached(`${name}-root-trixie`, `${debian} (Debian packages)`, async (into) =>
      debianRoot("trixie", "extract", ["base-files", debian], join(into, `${name}.tar`)),
    );
    cpSync(join(root, `${name}.tar`), join(context, `${name}.tar`));
  }
  const app = join(context, "clickhouse/app");
  await bundle("e2e/src/clickhouse-front.ts", join(app, "clickhouse-front.mjs"));
  cpSync(join(await needChdb(), "node_modules"), join(app, "node_modules"), { recursive: true });
  const args = await baseArgs(builder);
  for (const [target, tag] of Object.entries(images))
    await during(
      `building ${tag} with ${builder.name}`,
      builder.build({ dockerfile: join(ROOT, "e2e/images/Dockerfile"), target, context, tag, args }),
    );
  rmSync(context, { recursive: true, force: true });
  return tags;
}

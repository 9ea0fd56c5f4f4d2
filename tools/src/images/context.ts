import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { buildPage } from "@jichat/testkit/build-page.ts";
import { bundle } from "@jichat/testkit/bundle.ts";
import { needChdb } from "@jichat/testkit/needs.ts";

export const COMPONENTS = ["connector", "router", "storage", "api", "push", "operator"] as const;

const require = createRequire(import.meta.url);

/** Of the 21 binaries, copies only the one that this Node loads on this platform. */
function copyUws(into: string): void {
  const home = dirname(require.resolve("uWebSockets.js"));
  const out = join(into, "node_modules/uWebSockets.js");
  const native = `uws_linux_${process.arch}_${process.versions.modules}.node`;
  for (const name of ["package.json", "uws.js", native]) cpSync(join(home, name), join(out, name));
}

/**
 * swagger-ui looks for its files in its own folder and in the one above. In a bundle, its own folder is that
 * of the bundle.
 */
function copySwagger(into: string): void {
  const api = createRequire(join(ROOT, "api/package.json"));
  const files = join(dirname(api.resolve("@fastify/swagger-ui/package.json")), "static");
  cpSync(files, join(into, "static"), { recursive: true });
  cpSync(join(files, "logo.svg"), join(into, "dist/static/logo.svg"));
}

/** The embedded engine for this platform, with its imports. */
async function copyChdb(into: string): Promise<void> {
  const home = join(await needChdb(), "node_modules");
  cpSync(home, join(into, "node_modules"), { recursive: true, dereference: true });
}

/** Makes the folder that the Dockerfile copies from. It has one folder per target. */
export async function makeContext(context: string, isEmbedded: boolean): Promise<void> {
  rmSync(context, { recursive: true, force: true });
  for (const component of COMPONENTS) {
    mkdirSync(join(context, component), { recursive: true });
    await bundle(component, join(context, component, "dist/main.mjs"), ["uWebSockets.js"]);
  }
  await bundle("e2e/src/talk.ts", join(context, "operator/dist/talk.mjs")); // The program of `helm test`.
  copyUws(join(context, "connector"));
  copySwagger(join(context, "api"));
  cpSync(await buildPage(), join(context, "api/web"), { recursive: true });
  const embedded = join(context, "storage-embedded");
  mkdirSync(embedded, { recursive: true });
  if (isEmbedded) await copyChdb(embedded);
}

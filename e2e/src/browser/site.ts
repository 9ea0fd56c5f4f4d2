import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { buildPage } from "@jichat/testkit/build-page.ts";
import { ROOT } from "@jichat/testkit/cache.ts";

export const SDK_PATH = "sdk.html";

/** A folder with the page, and with an application of the SDK alone under `SDK_PATH`. */
export async function buildSite(): Promise<{ readonly folder: string; readonly remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "jichat-site-"));
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    cpSync(await buildPage(), folder, { recursive: true });
    writeFileSync(join(folder, SDK_PATH), '<!doctype html><title>SDK</title><script src="/sdk.js"></script>');
    await build({
      entryPoints: [join(ROOT, "e2e/src/browser/sdk-app.ts")],
      outfile: join(folder, "sdk.js"),
      bundle: true,
      minify: true,
      format: "iife",
      target: "es2022",
      logLevel: "warning",
    });
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

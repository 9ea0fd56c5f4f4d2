import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

/**
 * Bundles a component (or another program, by its path) and everything that it imports into one file, as
 * images have it. `external` names native addons.
 */
export async function bundle(
  component: string,
  outfile: string,
  external: readonly string[] = [],
): Promise<void> {
  await build({
    entryPoints: [join(ROOT, component.endsWith(".ts") ? component : `${component}/src/main.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    minify: true,
    keepNames: true, // Errors and logs show class names.
    lineLimit: 160, // Node prints the line that threw, so lines are kept short.
    external: [...external],
    // Bundled CommonJS modules need `require` for Node's own modules, and `__dirname` for files beside them.
    banner: {
      js: [
        "import { createRequire } from 'node:module';",
        "const require = createRequire(import.meta.url), __dirname = import.meta.dirname;",
      ].join("\n"),
    },
    logLevel: "error",
  });
}

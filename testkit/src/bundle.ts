import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

/**
 * One file that holds a component (or another program, by its path) and all that it imports, as its image
 * has it. Native addons are named in `external`.
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
    keepNames: true, // Errors and logs name classes.
    lineLimit: 160, // Node shows the line that threw: let it be one.
    external: [...external],
    // What was CommonJS asks for Node's own modules by `require`, and for files beside it by `__dirname`.
    banner: {
      js: [
        "import { createRequire } from 'node:module';",
        "const require = createRequire(import.meta.url), __dirname = import.meta.dirname;",
      ].join("\n"),
    },
    logLevel: "error",
  });
}

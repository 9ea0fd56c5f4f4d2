import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

/** Bundles the page into `web/dist` and returns that folder. A second; done at every start. */
export async function buildPage(): Promise<string> {
  const out = join(ROOT, "web/dist");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [join(ROOT, "web/src/main.tsx")],
    outfile: join(out, "main.js"),
    bundle: true,
    minify: true,
    sourcemap: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    // A library for React runs on Preact's own layer for it.
    alias: {
      react: "preact/compat",
      "react-dom": "preact/compat",
      "react/jsx-runtime": "preact/jsx-runtime",
    },
    logLevel: "warning",
  });
  const fixed = join(ROOT, "web/public");
  if (existsSync(fixed)) cpSync(fixed, out, { recursive: true });
  return out;
}

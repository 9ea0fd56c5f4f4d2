import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

/** Bundles the page into `web/dist` and returns that folder. A second; done at every start. */
export async function buildPage(): Promise<string> {
  const out = join(ROOT, "web/dist");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const fixed = join(ROOT, "web/public");
  cpSync(fixed, out, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(ROOT, "web/src/main.tsx"), join(fixed, "style.css")],
    outdir: out,
    // Who has a file of this name has it for good.
    entryNames: "[name]-[hash]",
    metafile: true,
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
  rmSync(join(out, "style.css"));
  const page = join(out, "index.html");
  let html = readFileSync(page, "utf8");
  for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint === undefined) continue;
    const name = relative(out, join(process.cwd(), path));
    html = html.replace(name.endsWith(".css") ? "style.css" : "main.js", name);
  }
  writeFileSync(page, html);
  return out;
}

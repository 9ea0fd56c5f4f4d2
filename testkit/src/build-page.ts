import { chmodSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

const TRIES = 20;

/** Bundles the page into `web/dist` and returns that folder. A second; done at every start. */
export async function buildPage(): Promise<string> {
  const dist = join(ROOT, "web/dist");
  // In a folder of its own, put in place when it is whole: another start may be building beside this one.
  const made = mkdtempSync(`${dist}-`);
  try {
    await bundleInto(made);
    chmodSync(made, 0o755); // An image's own user reads it too.
    for (let tries = 1; ; tries += 1) {
      try {
        rmSync(dist, { recursive: true, force: true });
        renameSync(made, dist);
        return dist;
      } catch (error) {
        if (tries === TRIES) throw error; // The other one was between the two steps, each time.
      }
    }
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

async function bundleInto(out: string): Promise<void> {
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
}

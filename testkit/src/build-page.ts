import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { ROOT } from "./cache.ts";

const TRIES = 20;

/** Bundles the page into `web/dist`, and returns that folder. It takes a second, and runs at every start. */
export async function buildPage(): Promise<string> {
  const dist = join(ROOT, "web/dist");
  // The build goes to a folder of its own and is moved into place when complete, since another start may
  // build at the same time.
  const made = mkdtempSync(`${dist}-`);
  try {
    await bundleInto(made);
    chmodSync(made, 0o755); // The user of an image reads it too.
    for (let tries = 1; ; tries += 1) {
      try {
        if (isSame(made, dist)) return dist;
        rmSync(dist, { recursive: true, force: true });
        renameSync(made, dist);
        return dist;
      } catch (error) {
        if (tries === TRIES) throw error; // Each time, the other build was between its two steps.
      }
    }
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/**
 * Whether two folders have the same files. A page that is the same stays, since a cluster beside this one may
 * be serving it.
 */
function isSame(one: string, other: string): boolean {
  if (!existsSync(other)) return false;
  const names = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();
  const [ours, theirs] = [names(one), names(other)];
  return (
    ours.join("\n") === theirs.join("\n") &&
    ours
      .filter((name) => statSync(join(one, name)).isFile())
      .every((name) => readFileSync(join(one, name)).equals(readFileSync(join(other, name))))
  );
}

async function bundleInto(out: string): Promise<void> {
  const fixed = join(ROOT, "web/public");
  cpSync(fixed, out, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(ROOT, "web/src/main.tsx"), join(fixed, "style.css")],
    outdir: out,
    // The name has the hash of the content, so browsers may cache the file for ever.
    entryNames: "[name]-[hash]",
    metafile: true,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    // Libraries for React run on Preact's compatibility layer.
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
  await bundleServiceWorker(out);
  compressIn(out);
}

/**
 * Files of the page beside `index.html`, which the service worker keeps under `/`. The icons of the installed app are
 * not among them: the system has them, and what is pushed comes over a network.
 */
const isShell = (name: string): boolean => !/\.(?:map|png|webmanifest)$|^index\.html$/.test(name);

/** A service worker has the same address for ever, so its name has no hash. */
async function bundleServiceWorker(out: string): Promise<void> {
  const shell = readdirSync(out)
    .filter(isShell)
    .map((name) => `/${name}`)
    .sort();
  await build({
    entryPoints: [join(ROOT, "web/src/service-worker.ts")],
    outfile: join(out, "service-worker.js"),
    define: { SHELL: JSON.stringify(shell) },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    logLevel: "warning",
  });
}

/** A shorter file gains nothing from compression that a packet would notice. */
const COMPRESSED_FROM_BYTES = 1_024;

/** Compresses as well as it can be done, once, so that the api need not do it for each reader. */
function compressIn(out: string): void {
  for (const name of readdirSync(out).filter((name) => /\.(?:js|css|html|svg)$/.test(name))) {
    const file = join(out, name);
    const bytes = readFileSync(file);
    if (bytes.length < COMPRESSED_FROM_BYTES) continue;
    writeFileSync(`${file}.br`, brotliCompressSync(bytes));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

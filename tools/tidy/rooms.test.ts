import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";

/**
 * A room is a package. Components never import one another: they meet on NATS, in Redis and in Kubernetes,
 * through names and forms that `lib/protocol` owns.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "lib/protocol": [],
  "lib/conversation": ["protocol"],
  "lib/runtime": ["protocol"],
  "lib/log": ["protocol", "runtime"],
  "lib/presence": ["protocol", "runtime"],
  "lib/identity": ["protocol", "runtime"],
  "lib/edge": ["protocol", "conversation", "runtime", "log", "presence"],
  connector: ["protocol", "conversation", "runtime", "log", "presence", "identity", "edge"],
  router: ["protocol", "conversation", "runtime", "log", "presence"],
  storage: ["protocol", "conversation", "runtime", "log", "presence"],
  api: ["protocol", "conversation", "runtime", "log", "presence", "identity", "edge"],
  push: ["protocol", "runtime", "log", "presence", "identity"],
  operator: ["protocol", "runtime", "log", "identity"],
  "kubectl-chat": [],
  client: ["protocol", "conversation"],
  react: ["client"],
  web: ["protocol", "conversation", "client"],
  testkit: ["protocol"],
  tools: ["protocol", "testkit"],
  docs: ["protocol", "connector", "api", "operator", "client", "testkit"], // The numbers are the code's own.
  bench: ["protocol", "conversation", "identity", "connector", "storage", "testkit", "e2e"],
  e2e: ["protocol", "client", "operator", "testkit", "tools"],
};

/** Beyond that. The simulation runs the product's own pure code, so it alone may reach into every component. */
const MORE: readonly (readonly [folder: string, names: readonly string[]])[] = [
  [
    "e2e/src/simulation",
    ["conversation", "runtime", "log", "presence", "edge", "router", "connector", "storage"],
  ],
  ["e2e/src/order.ts", ["runtime"]], // The token of admin ports is derived there.
  ["router/test", ["edge"]], // They ask a router as an edge does.
  ["web/test", ["e2e"]], // They put the page before a crowd.
  ["tools/test/apps", ["client"]], // They are apps of people who install the packages.
];
const TESTS_TOO = ["testkit"];

const FOLDERS = "{*,lib/*}/{src,test,tidy,cluster,faults,hostile}";
const sources = globSync(`${FOLDERS}/**/*.{ts,tsx}`, {
  cwd: ROOT,
  exclude: (name) => name.includes("node_modules"),
}).sort();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.includes("/test/");
const packageOf = (path: string): string => /^(?:lib\/)?[^/]+/.exec(path)?.[0] ?? "";

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
const manifests = new Map(
  globSync("{*,lib/*}/package.json", { cwd: ROOT }).map((path) => [
    dirname(path),
    JSON.parse(read(path)) as Manifest,
  ]),
);
const folderOf = new Map([...manifests].map(([folder, { name }]) => [name, folder]));

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file, from the root; undefined for a package that is not ours. */
  readonly to: string | undefined;
  /** What it takes by name; all, where it takes the whole module. */
  readonly names: readonly string[] | "all";
}

function fileOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return normalize(join(dirname(from), specifier));
  const [, name = "", path = ""] = /^(@jichat\/[\w-]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  const folder = folderOf.get(name);
  if (folder === undefined) return undefined;
  const file = manifests.get(folder)?.exports?.[path === "" ? "." : `./${path}`];
  return file === undefined ? `${folder}, which does not export ${path}` : normalize(join(folder, file));
}

/** What an import clause takes by name. */
function namesIn(clause: string | undefined): readonly string[] | "all" {
  if (clause === undefined || clause.includes("*")) return "all";
  const [, names = ""] = /\{([^}]*)\}/.exec(clause) ?? [];
  return names.split(",").map((name) => name.trim().replace(/ as .*/, ""));
}

const imports: readonly Import[] = sources.flatMap((from) =>
  [...read(from).matchAll(/^(?:import|export)\b([^"'`;]*?)\bfrom "([^"]+)";|\bimport\("([^"]+)"\)/gm)].map(
    ([, clause, named, dynamic]) => {
      const specifier = named ?? dynamic ?? "";
      return { from, specifier, to: fileOf(from, specifier), names: namesIn(clause) };
    },
  ),
);

test("every package has a row of its allowed imports", () => {
  assert.deepEqual([...manifests.keys()].sort(), Object.keys(MAY_IMPORT).sort());
  assert.ok(imports.length > 3_000);
});

test("packages import only allowed packages, through their exports", () => {
  const wrong = imports.flatMap(({ from, specifier, to }) => {
    if (to === undefined) return [];
    const [own, other] = [packageOf(from), packageOf(to)];
    if (own === other) return existsSync(join(ROOT, to)) ? [] : [`${from}: ${specifier} is not there`];
    if (specifier.startsWith(".")) return [`${from} goes around what ${other} exports: ${specifier}`];
    const allowed = [
      ...(MAY_IMPORT[own] ?? []),
      ...MORE.flatMap(([folder, names]) => (from === folder || from.startsWith(`${folder}/`) ? names : [])),
      ...(isTest(from) ? TESTS_TOO : []),
    ];
    const name = other.replace("lib/", "");
    if (!allowed.includes(name)) return [`${from} imports ${name}`];
    return existsSync(join(ROOT, to)) ? [] : [`${from} imports ${specifier}: ${to}`];
  });
  assert.deepEqual(wrong, []);
});

test("a package exports exactly the files that others import", () => {
  const wanted = new Set(imports.map(({ specifier }) => specifier));
  const spare = [...manifests].flatMap(([folder, { name, exports = {} }]) =>
    Object.keys(exports)
      // Paths without an ending are for those who install the package.
      .filter((path) => path.endsWith(".ts") && !wanted.has(path.replace(/^\./, name)))
      .map((path) => `${folder}/package.json exports ${path}, which nobody imports`),
  );
  assert.deepEqual(spare, []);
});

test("a file exports only functions, classes and constants that another file imports", () => {
  const imported = new Map<string, Set<string> | "all">();
  for (const { to = "", names } of imports) {
    const known = imported.get(to) ?? new Set<string>();
    if (names === "all" || known === "all") imported.set(to, "all");
    else imported.set(to, new Set([...known, ...names]));
  }
  // A test that exports something quotes a source.
  const exported = sources
    .filter((path) => !path.endsWith(".test.ts"))
    .flatMap((path) =>
      [...read(path).matchAll(/^export (?:async )?(?:const|let|function\*?|class) (\w+)/gm)].map(
        ([, name = ""]) => ({ path, name }),
      ),
    );
  assert.ok(exported.length > 1_000);
  const spare = exported.filter(({ path, name }) => {
    const known = imported.get(path);
    return known !== "all" && known?.has(name) !== true;
  });
  assert.deepEqual(
    spare.map(({ path, name }) => `${path}: ${name}`),
    [],
  );
});

test("a package declares the dependencies that it imports", () => {
  const ownTools = new Set(Object.keys((JSON.parse(read("package.json")) as Manifest).devDependencies ?? {}));
  const wrong = imports.flatMap(({ from, specifier }) => {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
    if (specifier.startsWith(".") || specifier.startsWith("node:") || ownTools.has(name)) return [];
    const folder = packageOf(from);
    const { name: own, ...manifest } = manifests.get(folder) ?? { name: "" };
    const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = manifest;
    const isProduct = !isTest(from);
    const known =
      name in dependencies ||
      name in peerDependencies ||
      (name in devDependencies && !isProduct) ||
      name === own;
    return known ? [] : [`${folder}/package.json does not name ${name}, which ${from} imports`];
  });
  assert.deepEqual([...new Set(wrong)], []);
});

test("no files import one another in a circle", () => {
  const edges = Map.groupBy(
    imports.filter(({ to }) => to !== undefined),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) circles.push([...way.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const { to = "" } of edges.get(file) ?? []) walk(to, [...way, file]);
    done.add(file);
  };
  for (const file of sources) walk(file, []);
  assert.deepEqual(circles, []);
});

test("a path from the root names an existing file", () => {
  const wrong = globSync(["*.md", "docs/*.md", "docs/adr/*.md"], { cwd: ROOT }).flatMap((page) =>
    [...read(page).matchAll(/`((?:lib\/)?[\w-]+\/(?:src|test|tidy)\/[\w./-]+\.(?:ts|tsx|py))`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !existsSync(join(ROOT, path)))
      .map((path) => `${relative(ROOT, join(ROOT, page))}: ${path}`),
  );
  assert.deepEqual(wrong, []);
});

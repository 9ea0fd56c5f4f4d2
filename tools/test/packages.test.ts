import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import * as vite from "vite";
import { ROOT } from "@jichat/testkit/cache.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needNode22 } from "@jichat/testkit/needs.ts";
import { filesOf } from "@jichat/testkit/page-blocks.ts";
import { checkTarball } from "../src/packages/check.ts";
import { makePackages } from "../src/packages/make.ts";
import { pack } from "../src/packages/pack.ts";
import { enter, linesOf, openBrowser, say, writeTo } from "./chat-pages.ts";
import { InstalledApp } from "./installed-app.ts";
import { testPages } from "./page-walks.ts";

/** Of the main entry in an app: bundled, minified, and compressed by `gzip -9`. */
const CLIENT_BYTES_MAX = 14_500;
const IMPORT = /^(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']|\bimport\(["']([^"']+)["']/gm;
const TSC = join(ROOT, "node_modules/.bin/tsc");

const made = mkdtempSync(join(tmpdir(), "jichat-packages-"));
let tarballs: readonly string[] = [];
const app = new InstalledApp();
/** Has both packages, React with its types, and jose. */
const reactApp = new InstalledApp();

/** What the apps need beside our packages, as this workspace has it, packed: an app installs it offline. */
async function packedOthers(): Promise<readonly string[]> {
  const inReact = createRequire(join(ROOT, "react/package.json"));
  const names = ["react", "react-dom", "@types/react", "@types/react-dom"];
  const folders = names.map((name) => dirname(inReact.resolve(`${name}/package.json`)));
  const inDom = createRequire(join(folders[1] ?? "", "package.json"));
  const inTypes = createRequire(join(folders[2] ?? "", "package.json"));
  folders.push(
    dirname(inDom.resolve("scheduler/package.json")),
    dirname(inTypes.resolve("csstype/package.json")),
    join(ROOT, "node_modules/jose"),
  );
  return Promise.all(folders.map(async (folder) => (await pack(folder, made)).tarball));
}

before(async () => {
  tarballs = await makePackages(join(made, "packages"));
  const [client = assert.fail()] = tarballs;
  await app.install([client]);
  await reactApp.install([...tarballs, ...(await packedOthers())]);
});
after(() => {
  app.remove();
  reactApp.remove();
  rmSync(made, { recursive: true, force: true });
});

const installed = (path: string): string => join(app.folder, "node_modules/@jichat/client", path);
const read = (path: string): string => readFileSync(installed(path), "utf8");

/** The first program of a page: what a newcomer runs. */
const firstProgram = (page: string): string =>
  filesOf(readFileSync(join(ROOT, page), "utf8")).get("hello.ts") ??
  assert.fail(`${page} begins with hello.ts`);

test("what is installed is the code, its types and its maps; nothing of the workspace, and nobody else's package", () => {
  assert.deepEqual(readdirSync(join(app.folder, "node_modules/@jichat")), ["client"]);
  assert.deepEqual(readdirSync(installed(".")).sort(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist",
    "package.json",
  ]);
  const files = readdirSync(installed("dist")).sort();
  assert.deepEqual(
    files.filter((file) => !/\.(js|js\.map|d\.ts)$/.test(file)),
    ["LICENCES.txt"],
  );
  assert.match(read("dist/LICENCES.txt"), /^@msgpack\/msgpack [\d.]+\n\nCopyright/);
  for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name)))
    for (const [, fixed, dynamic] of read(`dist/${file}`).matchAll(IMPORT))
      assert.match(fixed ?? dynamic ?? "", /^\.\/[\w-]+\.js$/, file);
  for (const file of files.filter((name) => name.endsWith(".map"))) {
    const { sources, sourcesContent } = JSON.parse(read(`dist/${file}`)) as Record<string, unknown[]>;
    assert.ok(sources !== undefined && sources.length > 0 && sources.length === sourcesContent?.length);
    assert.ok(
      sources.every((source) => /^(client|lib|node_modules)\//.test(String(source))),
      file,
    );
    assert.ok(
      sourcesContent.every((text) => typeof text === "string" && text !== ""),
      file,
    );
  }
});

test("a package that would not work is refused, with every finding", async () => {
  const broken = new InstalledApp();
  try {
    broken.write("index.js", "export const one = 1;\n");
    broken.write("other.js", "module.exports = 1;\n");
    broken.write("index.d.ts", "export declare const one: number;\n");
    const exports = {
      ".": { default: "./index.js", types: "./index.d.ts" },
      "./other": "./other.js",
      "./gone": "./gone.js",
    };
    broken.write(
      "package.json",
      JSON.stringify({ name: "broken", version: "1.0.0", type: "module", exports }),
    );
    const { tarball } = await pack(broken.folder, made);
    await assert.rejects(checkTarball(tarball), ({ message }: Error) => {
      for (const finding of [/exports\["\."\]\.types/, /gone\.js/, /other\.js/, /arethetypeswrong: /])
        assert.match(message, finding);
      return true;
    });
  } finally {
    broken.remove();
  }
});

test("npm would publish each tarball as it is, and asks no registry for that", async () => {
  for (const tarball of tarballs) {
    const flags = ["--dry-run", "--fetch-retries=0", "--registry=http://127.0.0.1:9/"];
    const said = await app.run("npm", ["publish", tarball, ...flags]);
    assert.match(said, /^\+ @jichat\/[\w-]+@\d+\.\d+\.\d+$/m);
  }
});

const STRICT = { strict: true, skipLibCheck: false, noEmit: true, target: "es2022" };
const COMPILERS = {
  // An app of Node knows no types of a browser.
  "Node (module NodeNext)": {
    compilerOptions: { ...STRICT, module: "nodenext", lib: ["es2023"], types: ["node"] },
    files: ["hello.ts", "chat.ts"],
  },
  "a bundler (moduleResolution Bundler)": {
    compilerOptions: {
      ...STRICT,
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2022", "dom", "dom.iterable"],
      types: [],
    },
    files: ["page.ts"],
  },
};

for (const [name, { compilerOptions, files }] of Object.entries(COMPILERS))
  test(`the types are right for an app of ${name}, libraries checked too`, async () => {
    app.write("hello.ts", firstProgram("docs/getting-started.md"));
    app.copy("chat.ts");
    app.copy("page.ts");
    const typeRoots = [join(ROOT, "node_modules/@types")];
    const configFor = (files: readonly string[]): string =>
      app.write(
        "tsconfig.json",
        JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, files }),
      );
    const config = configFor(files);
    assert.equal(await app.run(TSC, ["-p", config]), "");
    // The types refuse what is wrong: they are not `any`.
    app.write("wrong.ts", 'import { ChatClient } from "@jichat/client";\nnew ChatClient({ urls: 5 });\n');
    configFor(["wrong.ts"]);
    await assert.rejects(app.run(TSC, ["-p", config]), ({ stdout }: { stdout?: string }) => {
      assert.match(stdout ?? "", /wrong\.ts\(2,\d+\): error TS2/);
      return true;
    });
  });

const SAMPLE = ["index.html", "main.tsx", "style.css", "server.ts"] as const;
const copySample = (): void => {
  for (const file of SAMPLE) reactApp.write(file, readFileSync(join(ROOT, "react/sample", file), "utf8"));
};

test("the hooks are one file that imports React and the SDK, and is for the browser's side of a server's page", () => {
  const folder = join(reactApp.folder, "node_modules/@jichat/react");
  assert.deepEqual(readdirSync(join(folder, "dist")).sort(), ["index.d.ts", "index.js", "index.js.map"]);
  const code = readFileSync(join(folder, "dist/index.js"), "utf8");
  assert.match(code, /^"use client";\n/);
  assert.deepEqual(
    [...code.matchAll(IMPORT)].map(([, from]) => from),
    ["react", "@jichat/client"],
  );
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as Record<string, unknown>;
  assert.deepEqual(
    [dependencies, peerDependencies],
    [undefined, { "@jichat/client": "^0.1.0", react: ">=18" }],
  );
});

for (const [module, moduleResolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])
  test(`the types of both packages are right for an app of React (${moduleResolution}), libraries checked too`, async () => {
    copySample();
    reactApp.write(
      "wrong.tsx",
      'import { useMessages } from "@jichat/react";\nexport const Wrong = () => useMessages({ too: "bob" }).lines.length;\n',
    );
    const compilerOptions = {
      ...STRICT,
      module,
      moduleResolution,
      lib: ["es2022", "dom", "dom.iterable"],
      types: [],
      jsx: "react-jsx",
    };
    const configFor = (file: string): string =>
      reactApp.write("tsconfig.json", JSON.stringify({ compilerOptions, files: [file] }));
    const config = configFor("main.tsx");
    assert.equal(await reactApp.run(TSC, ["-p", config]), "");
    configFor("wrong.tsx");
    await assert.rejects(reactApp.run(TSC, ["-p", config]), ({ stdout }: { stdout?: string }) => {
      assert.match(stdout ?? "", /^wrong\.tsx\(2,\d+\): error TS2/);
      return true;
    });
  });

test("a server renders with the installed hooks", async () => {
  copySample();
  for (const node of [process.execPath, await needNode22()])
    assert.equal(await reactApp.run(node, ["server.ts"]), "<p>connecting</p>\n");
});

test("two people talk in the sample, in Chromium", { timeout: 120_000 }, async (t) => {
  copySample();
  const site = join(reactApp.folder, "site");
  await vite.build({ root: reactApp.folder, configFile: false, logLevel: "error", build: { outDir: site } });
  const { stack, destroy } = await startThrowaway({ webRoot: site });
  t.after(destroy);
  const browser = await openBrowser(t);
  const faults: string[] = [];
  const [ann, bob] = [
    await enter(browser, { url: stack.apiUrl, user: "ann", faults }),
    await enter(browser, { url: stack.apiUrl, user: "bob", faults }),
  ];
  await writeTo(ann, "bob");
  await say(ann, "Hello Bob");
  await bob.getByRole("button", { name: "ann (1)" }).click();
  await bob.getByText("ann: Hello Bob").waitFor();
  await bob.getByText("0 unread").waitFor();
  for (let i = 0; i < 10; i += 1) await say(bob, `Hello Ann ${i}`);
  await ann.getByText("bob: Hello Ann 9").waitFor();
  await bob.getByText("bob: Hello Ann 9").waitFor();
  const talk = ["ann: Hello Bob", ...Array.from({ length: 10 }, (_, i) => `bob: Hello Ann ${i}`)];
  assert.deepEqual([await linesOf(ann), await linesOf(bob)], [talk, talk]);
  assert.deepEqual(faults, []);
});

testPages(reactApp, app);

/** A program as an app's bundler makes it, of the installed packages. */
async function bundled(program: string): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: program, resolveDir: app.folder },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "error",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

test(`the client is at most ${CLIENT_BYTES_MAX} bytes of an app, and MessagePack none if it is not asked for`, async (t) => {
  const alone = await bundled('import { ChatClient } from "@jichat/client"; console.log(ChatClient);');
  const bytes = gzipSync(alone, { level: 9 }).length;
  t.diagnostic(`${bytes} bytes, ${alone.length} before compression`);
  assert.ok(bytes <= CLIENT_BYTES_MAX, `${bytes} bytes`);
  assert.match(alone, /jichat\.v1\.json/);
  assert.doesNotMatch(alone, /jichat\.v1\.msgpack/);
  const packed = await bundled('import { msgpack } from "@jichat/client/msgpack"; console.log(msgpack);');
  assert.match(packed, /jichat\.v1\.msgpack/);
  assert.doesNotMatch(packed, /jichat\.v1\.json/);
});

test("what an app does not use is left out of it", async (t) => {
  const small = await bundled(
    'import { isChange } from "@jichat/client"; console.log(isChange({ kind: "edited" }));',
  );
  t.diagnostic(`${gzipSync(small, { level: 9 }).length} bytes for one function`);
  assert.ok(gzipSync(small, { level: 9 }).length < CLIENT_BYTES_MAX / 10, small);
  assert.equal(
    await bundled('import "@jichat/client"; import { msgpack } from "@jichat/client/msgpack";'),
    "",
  );
});

test("esbuild and Vite make a page of it that imports nothing", async () => {
  const page = app.copy("page.ts");
  app.write("index.html", '<!doctype html><ul></ul><script type="module" src="/page.ts"></script>');
  await vite.build({ root: app.folder, configFile: false, logLevel: "error", build: { outDir: "site" } });
  const assets = join(app.folder, "site/assets");
  const scripts = readdirSync(assets).map((file) => readFileSync(join(assets, file), "utf8"));
  for (const script of [...scripts, await bundled(readFileSync(page, "utf8"))]) {
    assert.match(script, /jichat\.v1\.json/);
    assert.doesNotMatch(script, /\bfrom ?"|\bimport\(/);
    for (const name of builtinModules) assert.ok(!script.includes(`"node:${name}"`));
  }
  assert.equal(scripts.length, 1);
});

test("the README of the package begins with the first program of the documentation", () => {
  assert.equal(firstProgram("client/README.md"), firstProgram("docs/getting-started.md"));
});

test(
  "on Node 24 and on Node 22 the first program runs, and two people talk",
  { timeout: 90_000 },
  async (t) => {
    const { stack, destroy } = await startThrowaway();
    t.after(destroy);
    writeFileSync(join(app.folder, "hello.ts"), firstProgram("docs/getting-started.md"));
    app.copy("chat.ts");
    const versions = { v24: process.execPath, v22: await needNode22() };
    for (const [version, node] of Object.entries(versions)) {
      assert.match(await app.run(node, ["--version"]), new RegExp(`^${version}\\.`));
      const required = ["-p", 'typeof require("@jichat/client").ChatClient'];
      assert.equal(await app.run(node, required), "function\n", version);
      const env = { API: stack.apiUrl, NAME: version };
      const hello = await app.run(node, ["hello.ts"], env);
      assert.match(hello, /^stored as number \d+ of .+\nbob hears ann: \{ text: 'Hello Bob' \}\n$/, version);
      const heard: unknown = JSON.parse(await app.run(node, ["chat.ts"], env));
      const said = (user: string): string[] => Array.from({ length: 50 }, (_, i) => `${user} ${i}`);
      assert.deepEqual(heard, { ann: said("bob"), bob: said("ann") }, version);
    }
  },
);

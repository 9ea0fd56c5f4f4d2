import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";

/** What npm and Node say. The tests below make them say it. */
const NPM = "npm error code E404";
const STRIPPING = "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING";
const EXTENSION = "ERR_UNKNOWN_FILE_EXTENSION";
const NO_WEBSOCKET = "WebSocket is not defined";
/** What Chromium says. web/test/origins.test.ts makes it say it. */
const CHROMIUM = [
  "has been blocked by CORS policy",
  "TypeError: Failed to fetch",
  "crypto.randomUUID is not a function",
];

const page = readFileSync(join(ROOT, "docs/troubleshooting.md"), "utf8");

/** The code in the first column of the tables: as Markdown has it, one or more backticks around it. */
const symptoms = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.split(" | ")[0] ?? "")
  .flatMap((cell) => [...cell.matchAll(/(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)/g)])
  .map(([, , code = ""]) => code.trim().replace(/ \(closed with \d+\)$/, ""));

const SOURCES = [
  "{client,react,connector,api,router,storage,operator,testkit,tools}/src/**/*.ts",
  "lib/*/src/**/*.ts",
  "tools/*.sh",
];
const isLeftOut = (name: string): boolean => name.includes("node_modules") || name.endsWith(".test.ts");
const sources = globSync(SOURCES, { cwd: ROOT, exclude: isLeftOut }).map((path) =>
  readFileSync(join(ROOT, path), "utf8").replaceAll("\\`", "`"),
);

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Whether a source has this text. `…` is what a program fills in. */
function isOneText(symptom: string): boolean {
  const wanted = new RegExp(
    symptom
      .split("…")
      .map(escaped)
      .join(String.raw`[^"\n]{1,80}`),
  );
  return sources.some((text) => wanted.test(text));
}

/** Whether sources have it whole, or in two parts, as one function puts words before what another one says. */
function isOurs(symptom: string): boolean {
  if (isOneText(symptom)) return true;
  return [...symptom.matchAll(/(?<=\w+\W+\w+) (?=.{12,})/g)].some(
    ({ index }) => isOneText(symptom.slice(0, index)) && isOneText(symptom.slice(index + 1)),
  );
}

test("every symptom of docs/troubleshooting.md is a text of the product, or one that others are made to say", () => {
  const others = [NPM, STRIPPING, EXTENSION, NO_WEBSOCKET, ...CHROMIUM];
  assert.ok(symptoms.length > 70, `${symptoms.length} symptoms`);
  assert.deepEqual(
    symptoms.filter((symptom) => !others.includes(symptom) && !isOurs(symptom)),
    [],
  );
  assert.deepEqual(
    others.filter((other) => !symptoms.includes(other)),
    [],
  );
  for (const wrong of ["the token's `iss` is of nobody at all", "… writes wait for nobody at all"])
    assert.ok(!isOurs(wrong), "a text that nobody says is noticed");
});

/** A folder of somebody else, with these files. */
function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "jichat-symptoms-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const node = async (cwd: string, ...args: readonly string[]): Promise<string> =>
  (await exec(process.execPath, args, { cwd, env: process.env })).stderr;

test("Node says what the page says of sources in node_modules, of TypeScript, and of a missing WebSocket", async (t) => {
  const packed = { name: "packed", type: "module", exports: "./index.ts" };
  const folder = folderOf(t, {
    "node_modules/packed/package.json": JSON.stringify(packed),
    "node_modules/packed/index.ts": "export const one: number = 1;\n",
    "takes.mjs": 'import "packed";\n',
    "hello.ts": "export {};\n",
    "package.json": '{"type":"module"}',
  });
  const [stripping, extension, socket] = await Promise.all([
    node(folder, "takes.mjs"),
    node(folder, "--no-experimental-strip-types", "hello.ts"),
    node(folder, "--no-experimental-websocket", "--eval", "new WebSocket('ws://127.0.0.1')"),
  ]);
  assert.ok(stripping.includes(STRIPPING), stripping);
  assert.ok(extension.includes(EXTENSION), extension);
  assert.ok(socket.includes(NO_WEBSOCKET), socket);
});

test("npm says what the page says of a package that is in no registry", async (t) => {
  const registry = createServer((_, response) => {
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
  });
  await new Promise<void>((resolve) => {
    registry.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => registry.close());
  const { port } = registry.address() as AddressInfo;
  const folder = folderOf(t, { "package.json": "{}" });
  const flags = [
    "--no-audit",
    "--no-fund",
    `--registry=http://127.0.0.1:${port}/`,
    `--cache=${folder}/cache`,
  ];
  const { stderr } = await exec("npm", ["install", ...flags, "@jichat/client"], {
    cwd: folder,
    env: process.env,
  });
  assert.ok(stderr.includes(NPM), stderr);
});

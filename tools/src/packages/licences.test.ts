import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { licencesOf, packagesOf } from "./licences.ts";

test("of the modules of a bundle, those of other people's packages are found, each package once", () => {
  const modules = [
    "/repo/client/src/index.ts",
    "/repo/node_modules/@scope/two/a.js",
    "/repo/node_modules/one/deep/b.js",
    "/repo/node_modules/one/c.js",
    "/repo/node_modules/one/node_modules/inner/d.js",
  ];
  assert.deepEqual(packagesOf(modules), [
    "/repo/node_modules/@scope/two",
    "/repo/node_modules/one",
    "/repo/node_modules/one/node_modules/inner",
  ]);
});

test("each package's licence is told with its name and version; one without a licence is refused", (t) => {
  const root = mkdtempSync(join(tmpdir(), "jichat-licences-"));
  t.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const folders = ["one", "two"].map((name) => join(root, name));
  for (const [index, folder] of folders.entries()) {
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `toy-${index}`, version: "1.0.0" }));
  }
  writeFileSync(join(folders[0] ?? "", "LICENSE.md"), "Do what you like.\n");
  assert.throws(() => licencesOf(folders), /two has no file LICENSE/);
  writeFileSync(join(folders[1] ?? "", "licence"), "Ask first.\n");
  assert.match(
    licencesOf(folders),
    /^toy-0 1\.0\.0\n\nDo what you like\.\n\n-{80}\n\ntoy-1 1\.0\.0\n\nAsk first\.\n$/,
  );
});

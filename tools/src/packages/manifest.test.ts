import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkspaceManifest } from "./manifest.ts";
import { entriesOf, publishedManifest } from "./manifest.ts";

const WORKSPACE = {
  name: "@jichat/toy",
  version: "1.2.3",
  private: true,
  type: "module",
  license: "Apache-2.0",
  description: "A toy",
  keywords: ["toy"],
  engines: { node: ">=22" },
  sideEffects: false,
  exports: { ".": "./src/index.ts", "./parts/small": "./src/parts/small.ts", "./inner.ts": "./src/inner.ts" },
  dependencies: { "@jichat/protocol": "0.1.0" },
  devDependencies: { "@jichat/testkit": "0.1.0" },
  peerDependencies: { react: ">=18" },
  peerDependenciesMeta: { react: { optional: true } },
} as const satisfies WorkspaceManifest & Record<string, unknown>;

test("what is published has its entries with types, and its peers; what is of the workspace is gone", () => {
  assert.deepEqual(publishedManifest(WORKSPACE), {
    name: "@jichat/toy",
    version: "1.2.3",
    description: "A toy",
    keywords: ["toy"],
    license: "Apache-2.0",
    type: "module",
    engines: { node: ">=22" },
    sideEffects: false,
    files: ["dist", "CHANGELOG.md"],
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./parts/small": { types: "./dist/parts/small.d.ts", default: "./dist/parts/small.js" },
      "./package.json": "./package.json",
    },
    publishConfig: { access: "public" },
    peerDependencies: { react: ">=18" },
    peerDependenciesMeta: { react: { optional: true } },
  });
  const { peerDependencies: _, peerDependenciesMeta: __, ...alone } = WORKSPACE;
  assert.deepEqual(
    Object.keys(publishedManifest(alone)).filter((key) => key.includes("ependencies")),
    [],
  );
});

test("a package without what people read of it, or without an entry, is refused by name", () => {
  for (const field of ["description", "keywords", "engines", "sideEffects"] as const) {
    const { [field]: _, ...rest } = WORKSPACE;
    assert.throws(
      () => publishedManifest(rest),
      new RegExp(`the package.json of @jichat/toy has no \`${field}\``),
    );
  }
  assert.throws(
    () => entriesOf({ name: "@jichat/toy", exports: { "./inner.ts": "./src/inner.ts" } }),
    /the `exports` of @jichat\/toy have no entry to publish/,
  );
});

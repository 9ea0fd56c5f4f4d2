import assert from "node:assert/strict";
import { before, test } from "node:test";
import { openApi } from "@jichat/api/openapi.ts";
import type { OpenApi } from "./rest-page.ts";
import { restPage } from "./rest-page.ts";

let document: OpenApi;
let page: string;

before(async () => {
  document = await openApi<OpenApi>();
  page = restPage(document);
});

test("the page has every operation once, with its name, its fields and its errors", () => {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, { operationId = "", parameters = [], responses = {} }] of Object.entries(methods)) {
      const heading = `### ${method.toUpperCase()} \`${path}\`\n`;
      assert.equal(page.split(heading).length, 2, heading);
      const section = page.split(heading)[1]?.split("\n### ")[0] ?? "";
      assert.ok(section.includes(`(\`${operationId}\`)`), section);
      for (const { name } of parameters) assert.ok(section.includes(`| \`${name}\``), `${heading} ${name}`);
      for (const status of Object.keys(responses))
        assert.match(section, new RegExp(`(\\W${status} \`|Answers ${status}:)`), `${heading} ${status}`);
    }
});

test("every link leads to a schema of the page, and nothing is left unsaid", () => {
  const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor]) => anchor);
  assert.ok(links.length > 40);
  const headings = new Set([...page.matchAll(/^##+ (\w+)$/gm)].map(([, name]) => name?.toLowerCase()));
  assert.deepEqual(
    links.filter((anchor) => !headings.has(anchor)),
    [],
  );
  assert.doesNotMatch(page, /\$ref|undefined|\[object| any \|/);
});

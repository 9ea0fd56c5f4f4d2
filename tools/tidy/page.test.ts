import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";

const sources = globSync("{web,client}/src/**/*.{ts,tsx}", { cwd: ROOT }).filter(
  (path) => !path.includes(".test."),
);
/** What makes markup or code of text, or a place to go to of it. */
const SINKS =
  /\b(?:innerHTML|outerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|createContextualFragment|srcdoc|DOMParser)\b|document\.write|\beval\(|\bnew Function\b|set(?:Timeout|Interval)\(\s*["'`]|javascript:/;

test("the text of people becomes text of the page, and never markup, code or an address", () => {
  assert.ok(sources.length > 20);
  const found = sources.flatMap((path) =>
    readFileSync(join(ROOT, path), "utf8")
      .split("\n")
      .flatMap((line, at) => (SINKS.test(line) ? [`${path}:${at + 1} ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, []);
});

test("a link of the page to an address in a text is a web address from `formattedOf`", () => {
  const said = sources.flatMap((path) =>
    [...readFileSync(join(ROOT, path), "utf8").matchAll(/\b(?:href|src|action|formAction)=(\{[^}]*\})/g)].map(
      ([, value]) => `${path} ${value}`,
    ),
  );
  assert.deepEqual(said, ["web/src/formatted-text.tsx {href}", "web/src/formatted-text.tsx {href}"]);
});

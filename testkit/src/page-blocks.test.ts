import assert from "node:assert/strict";
import { test } from "node:test";
import { blocksOf, commandsOf, filesOf } from "./page-blocks.ts";

const PAGE = [
  "# A page",
  "```sh",
  "make run A=1 # a comment",
  "```",
  "## One",
  "```ts",
  "// one.ts",
  "export const one = 1;",
  "## no heading",
  "```",
  "## Two",
  "```html",
  "<!-- two.html -->",
  "<p>",
  "```",
  "```sh",
  "mkdir two && cd two",
  "curl -f \\",
  "  localhost",
  "```",
].join("\n");

test("a block knows its language, its first line, its section and its file", () => {
  assert.deepEqual(blocksOf(PAGE), [
    { language: "sh", line: 3, text: "make run A=1 # a comment\n", section: "", file: undefined },
    {
      language: "ts",
      line: 7,
      text: "// one.ts\nexport const one = 1;\n## no heading\n",
      section: "One",
      file: "one.ts",
    },
    { language: "html", line: 13, text: "<!-- two.html -->\n<p>\n", section: "Two", file: "two.html" },
    {
      language: "sh",
      line: 17,
      text: "mkdir two && cd two\ncurl -f \\\n  localhost\n",
      section: "Two",
      file: undefined,
    },
  ]);
  assert.throws(() => blocksOf("```ts\nlet a;"), /line 2 on is never closed/);
});

test("files are those of the named sections, each name once", () => {
  assert.deepEqual([...filesOf(PAGE).keys()], ["one.ts", "two.html"]);
  assert.deepEqual([...filesOf(PAGE, ["Two"]).keys()], ["two.html"]);
  assert.throws(() => filesOf(`${PAGE}\n${PAGE}`), /one\.ts is on the page twice/);
});

test("commands are without comments, one by one, and whole", () => {
  assert.deepEqual(commandsOf(PAGE, ""), ["make run A=1"]);
  assert.deepEqual(commandsOf(PAGE, "Two"), ["mkdir two", "cd two", "curl -f localhost"]);
  assert.deepEqual(commandsOf(PAGE, "Three"), []);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import type { Block } from "@jichat/testkit/page-blocks.ts";
import { blocksOf } from "@jichat/testkit/page-blocks.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGES = globSync(["*.md", "{client,react}/*.md", "docs/*.md", "docs/{adr,results}/*.md"], {
  cwd: ROOT,
}).sort();
const isInstalled = (name: string): boolean => name.includes("node_modules");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Fenced blocks of these languages. */
const blocks = (page: string, languages: readonly string[]): readonly Block[] =>
  blocksOf(read(page)).filter(({ language }) => languages.includes(language));

const COLUMNS_MAX = 120;

/**
 * Lines of prose, by number, that are too long. Code, tables and front matter stay as they are, and so does a line
 * that has no space to break at, such as a long link.
 */
function tooLong(text: string): number[] {
  const found: number[] = [];
  let isCode = false;
  let isFrontMatter = text.startsWith("---\n");
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*```/.test(line)) isCode = !isCode;
    else if (isFrontMatter) isFrontMatter = index === 0 || line !== "---";
    else if (!isCode && !/^\s*\|/.test(line) && line.length > COLUMNS_MAX) {
      const words = line.replace(/^\s*(?:[-*+>]|\d+\.)?\s*/, "").trim();
      if (words.includes(" ")) found.push(index + 1);
    }
  }
  return found;
}

test("a line of Markdown is too long from 121 columns on, unless it is code, a row, or cannot be broken", () => {
  const words = (columns: number): string => `a ${"b".repeat(columns - 2)}`;
  assert.deepEqual(tooLong([words(120), words(121), `- ${words(119)}`].join("\n")), [2, 3]);
  assert.deepEqual(tooLong(["```sh", words(121), "```", words(121)].join("\n")), [4]);
  assert.deepEqual(tooLong(["---", words(121), "---", words(121)].join("\n")), [4]);
  assert.deepEqual(tooLong([`| ${words(121)} |`, `- [x](${"y".repeat(121)})`].join("\n")), []);
});

test("Markdown is wrapped at 120 columns", () => {
  assert.deepEqual(
    PAGES.flatMap((page) => tooLong(read(page)).map((line) => `${page}:${line}`)),
    [],
  );
});

/** GitHub's and VitePress's name of a heading, for what we write in headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[`*]/g, "")
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
const anchors = (page: string): Set<string> =>
  new Set([...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? "")));

test("every link in the documentation leads to an existing file and heading", () => {
  const dead: string[] = [];
  for (const page of PAGES) {
    const text = read(page).replaceAll(/```[^]*?```/g, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
      const isThere = existsSync(join(ROOT, file));
      const hasAnchor =
        anchor === undefined || (isThere && statSync(join(ROOT, file)).isFile() && anchors(file).has(anchor));
      if (!isThere || !hasAnchor) dead.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(dead, []);
});

test("every example in TypeScript type-checks unchanged", () => {
  const folder = join(ROOT, ".data/examples");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const page of PAGES) {
    // What has a name is imported by it, by what is on the same page.
    const ofPage = join(folder, page.replaceAll(/[/.]/g, "-"));
    const names = new Set<string>();
    for (const { language, line, text, file = `${line}.${language}` } of blocks(page, ["ts", "tsx"])) {
      assert.ok(!names.has(file), `${page} has ${file} twice`);
      names.add(file);
      count += 1;
      mkdirSync(ofPage, { recursive: true });
      writeFileSync(join(ofPage, file), `${text}\nexport {};\n`);
    }
  }
  assert.ok(count >= 4);
  // The examples with elements are for React, and take its types.
  const compilerOptions = { jsxImportSource: "react", paths: {} };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions,
      include: ["*/*.ts", "*/*.tsx"],
      exclude: [],
    }),
  );
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], { stdio: "pipe", encoding: "utf8" });
});

test("every `make` target and every file that an example names exists", () => {
  const targets = new Set([...read("Makefile").matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name));
  const wrong: string[] = [];
  for (const page of PAGES)
    for (const { line, text } of blocks(page, ["sh"]))
      for (const command of text.split("\n").map((one) => one.replace(/\s#.*$/, ""))) {
        for (const [, words = ""] of command.matchAll(/\bmake ((?:[A-Z_]+=\S+ |[a-z-]+ ?)+)/g))
          for (const word of words.trim().split(/\s+/))
            if (!word.includes("=") && !targets.has(word)) wrong.push(`${page}:${line}: make ${word}`);
        for (const [path] of command.matchAll(/(?:chart|storage|docs|e2e|bench)\/[\w./-]+/g))
          if (!existsSync(join(ROOT, path))) wrong.push(`${page}:${line}: ${path}`);
      }
  assert.deepEqual(wrong, []);
});

test("a heading of docs/design.md that a comment names exists", () => {
  const headings = new Set([...read("docs/design.md").matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading));
  const named = globSync("{*,lib/*}/{src,test}/**/*.{ts,tsx}", { cwd: ROOT, exclude: isInstalled }).flatMap(
    (path) =>
      [...read(path).matchAll(/docs\/design\.md, "([^"]+)"/g)].map(([, heading = ""]) => ({
        path,
        heading: heading.replaceAll(/\n\s*\* /g, " "),
      })),
  );
  assert.ok(named.length > 5);
  assert.deepEqual(
    named.filter(({ heading }) => !headings.has(heading)),
    [],
  );
});

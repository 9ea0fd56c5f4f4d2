import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Piece } from "./formatted.ts";
import { TAGS, formattedOf, plainOf } from "./formatted.ts";

const elements = (pieces: readonly Piece[]): readonly Exclude<Piece, string>[] =>
  pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece, ...elements(piece.children)]));
const hrefs = (text: string): readonly string[] =>
  elements(formattedOf(text)).flatMap(({ href }) => href ?? []);
const p = (...children: readonly Piece[]): Piece => ({ tag: "p", children });

test("emphasis, code, lists and quotes become elements", () => {
  assert.deepEqual(formattedOf("**so** _much_ ~~less~~ `a*b*`\nnext"), [
    p(
      { tag: "strong", children: ["so"] },
      " ",
      { tag: "em", children: ["much"] },
      " ",
      { tag: "s", children: ["less"] },
      " ",
      { tag: "code", children: ["a*b*"] },
      { tag: "br", children: [] },
      "next",
    ),
  ]);
  assert.deepEqual(formattedOf("```ts\nif (a < b) {\n  c();\n}\n```"), [
    { tag: "pre", children: ["if (a < b) {\n  c();\n}"] },
  ]);
  assert.deepEqual(formattedOf("> said\n\n3. three\n4. four"), [
    { tag: "blockquote", children: [p("said")] },
    {
      tag: "ol",
      children: [
        { tag: "li", children: ["three"] },
        { tag: "li", children: ["four"] },
      ],
      start: 3,
    },
  ]);
});

test("what is no formatting in a chat stays as it was written", () => {
  for (const text of [
    "&copy; &lt;b&gt;",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<!-- said -->",
    "[a]: https://a.example",
    "2 * 3 * 4 = 24",
    "snake_case_name",
    "#1 of all",
  ])
    assert.equal(plainOf(formattedOf(text)), text.replaceAll(/\s+/g, " "), text);
  assert.deepEqual(
    elements(formattedOf("said\n---\nand    so on")).map(({ tag }) => tag),
    ["p", "hr", "p"],
  );
});

test("addresses of the web become links, https where nothing is said", () => {
  assert.deepEqual(hrefs("see https://a.example/x_y_z?y=1 and http://b.example, or c.com."), [
    "https://a.example/x_y_z?y=1",
    "http://b.example",
    "https://c.com",
  ]);
  assert.deepEqual(hrefs("[the lake](https://a.example/lake)"), ["https://a.example/lake"]);
});

test("a link whose label names another address says where it leads", () => {
  const shown = (text: string): string => plainOf(formattedOf(text));
  assert.equal(
    shown("[https://bank.example](https://evil.example/x)"),
    "https://bank.example (evil.example)",
  );
  assert.equal(shown("[bank.com](https://evil.example)"), "bank.com (evil.example)");
  assert.equal(shown("[a.com/x](https://a.com/y)"), "a.com/x");
  assert.equal(shown("[the bank](https://bank.example)"), "the bank");
});

const SCHEMES = [
  "javascript",
  "JavaScript",
  "data",
  "vbscript",
  "file",
  "ftp",
  "mailto",
  "blob",
  "ms-word",
  "tel",
];
for (const scheme of SCHEMES)
  test(`${scheme}: leads nowhere`, () => {
    for (const rest of [":", "://", ":///", "&colon;", "&#58;", "\\:"])
      for (const what of ["alert(1)", "a.example/x", "a@b.example", "text/html,<script>1</script>"])
        for (const wrap of [
          (url: string) => url,
          (url: string) => `[label](${url})`,
          (url: string) => `[label](<${url}> "title")`,
          (url: string) => `<${url}>`,
          (url: string) => `![picture](${url})`,
          (url: string) => `[label]\n\n[label]: ${url}`,
        ])
          assert.deepEqual(
            hrefs(wrap(`${scheme}${rest}${what}`)).filter((href) => !/^https?:\/\//.test(href)),
            [],
          );
  });

test("a picture of the web is a link that somebody may follow, and loads nothing", () => {
  assert.deepEqual(
    elements(formattedOf("![cat](https://a.example/cat.png)")).map(({ tag, href }) => [tag, href]),
    [
      ["p", undefined],
      ["a", "https://a.example/cat.png"],
    ],
  );
});

test("whatever is said, it becomes the known elements, and links lead to the web", () => {
  const part = fc.constantFrom(
    ..."javascript: <script> </script> <img/onerror=x src=y> ![a]( [a]( ) ]( \" ' ` ``` ** _ ~~ > - 1. | --- & &#x6A; http:// https:// // data: \\ \n".split(
      " ",
    ),
    "\n\n",
    "\u0001javascript:",
    "\u202e",
  );
  const said = fc.array(fc.oneof(part, fc.string({ unit: "binary", maxLength: 8 })), { maxLength: 40 });
  fc.assert(
    fc.property(said, (parts) => {
      for (const { tag, href, ...rest } of elements(formattedOf(parts.join("")))) {
        assert.ok(TAGS.includes(tag));
        assert.equal(href !== undefined, tag === "a");
        assert.ok(href === undefined || /^https?:\/\//i.test(href), href);
        assert.deepEqual(
          Object.keys(rest).filter((key) => !["children", "start"].includes(key)),
          [],
        );
      }
    }),
    { numRuns: 1_000 },
  );
});

test("no text of the longest size takes long", () => {
  const longest = 8_180;
  for (const part of [
    "[",
    "*a ",
    "_",
    "`",
    "![",
    "<",
    "> ",
    "- ",
    "|",
    "\\",
    "a.com ",
    "[a](",
    "**a",
    "~~",
    "&",
  ]) {
    const text = part.repeat(longest / part.length);
    const begun = performance.now();
    formattedOf(text);
    assert.ok(performance.now() - begun < 1_000, JSON.stringify(part));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { piecesOf } from "./web-addresses.ts";

const hrefs = (text: string): readonly string[] => piecesOf(text).flatMap(({ href }) => href ?? []);

test("web addresses become links, with https if there is no scheme", () => {
  assert.deepEqual(hrefs("see https://a.example/x?y=1 and http://b.example, or c.com."), [
    "https://a.example/x?y=1",
    "http://b.example",
    "https://c.com",
  ]);
});

for (const scheme of [
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
])
  test(`${scheme} does not become a link`, () => {
    for (const rest of [":", "://", ":///"])
      for (const what of [
        "alert(1)",
        "a.example/x",
        "a@b.example",
        "text/html,<script>1</script>",
        "etc/passwd",
      ])
        assert.deepEqual(
          hrefs(`${scheme}${rest}${what}`).filter((href) => !/^https?:\/\//.test(href)),
          [],
        );
  });

test("every text is shown completely, and a link is a web address", () => {
  const scheme = fc.constantFrom(
    "javascript:",
    "file:///",
    "http://",
    "https://",
    "//",
    "data:",
    "\u0001javascript:",
    "",
  );
  const said = fc.array(fc.tuple(scheme, fc.string({ unit: "binary" })), { maxLength: 5 });
  fc.assert(
    fc.property(said, (parts) => {
      const text = parts.map(([first, rest]) => `${first}${rest}`).join(" a.com ");
      const pieces = piecesOf(text);
      assert.equal(pieces.map((piece) => piece.text).join(""), text);
      for (const { href } of pieces) assert.ok(href === undefined || /^https?:\/\//i.test(href));
    }),
  );
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ErrorCode } from "@jichat/protocol/errors.ts";
import { ERRORS } from "@jichat/protocol/errors.ts";
import { remedyOf } from "./remedy.ts";

const read = (path: string): string => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const codes = Object.keys(ERRORS) as readonly ErrorCode[];
const page = read("docs/errors.md");

test("docs/errors.md names the remedy of each code", () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| \d+ \| \w+ \| ([\w-]+) \|/gm)];
  assert.deepEqual(
    rows.map(([, code, remedy]) => [code, remedy]),
    codes.map((code) => [code, remedyOf({ code })]),
  );
});

test("docs/errors.md says of each code what causes it, what the SDK does, and what the application should do", () => {
  const sections = page.split(/^### /m).slice(1);
  assert.deepEqual(
    sections.map((section) => /^`([A-Z_]+)`\n/.exec(section)?.[1]),
    codes,
  );
  for (const section of sections)
    assert.match(section, /^- \*\*Cause:\*\* [^]*^- \*\*The SDK\*\* [^]*^- \*\*Your app:\*\* /m);
});

test("the README of the package names each code", () => {
  const packaged = read("client/README.md");
  assert.deepEqual(
    codes.filter((code) => !packaged.includes(`\`${code}\``)),
    [],
  );
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FACETS, KINDS, VERB_NAMES, verbOf } from "./tables.ts";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

/** The text of the section under this heading. */
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";

/** The row of a table whose first cell has this name. */
function rowOf(heading: string, name: string): string {
  const found = section(heading)
    .split("\n")
    .find((line) => line.startsWith("| `") && line.split(" | ")[0]?.includes(`\`${name}\``));
  assert.ok(found !== undefined, `docs/protocol.md, "${heading}", has no row of \`${name}\``);
  return found;
}

function has(row: string, name: string, what: string): void {
  assert.ok(row.includes(`\`${name}\``), `docs/protocol.md does not name \`${name}\` of ${what}`);
}

test("docs/protocol.md has a row of every verb, with its fields, and a row of its route", () => {
  for (const name of VERB_NAMES) {
    const { frame, rest } = verbOf(name);
    const row = rowOf("Frames from the client", name);
    for (const field of Object.keys(frame)) has(row, field, `the verb ${name}`);
    const [method = "", path = ""] = rest.split(" ");
    const isTold = rows.some(
      (line) => line.includes(method) && line.replaceAll("{id}", "{conversation}").includes(`${path}\``),
    );
    assert.ok(isTold, `docs/protocol.md does not name the route ${rest}`);
  }
});

test("docs/protocol.md names every kind of event, with its fields, and every facet of `synced`", () => {
  const events = rowOf("Frames from the server", "event");
  for (const [kind, { fields }] of Object.entries(KINDS)) {
    has(events, kind, "events");
    for (const field of Object.keys(fields)) has(events, field, `the kind ${kind}`);
  }
  const synced = rowOf("Frames from the server", "synced");
  for (const { name } of FACETS) has(synced, name, "`synced`");
});

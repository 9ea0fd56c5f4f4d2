import assert from "node:assert/strict";
import { test } from "node:test";
import { READERS, VERB_NAMES, verbOf } from "@jichat/conversation/tables.ts";
import type { Field } from "@jichat/protocol/field.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import { checkedFrame } from "./checked-frame.ts";
import { VERB_FIELDS } from "./verb-fields.ts";

/** A value that a field takes, by its schema. */
function taken({ schema }: Field<unknown>): unknown {
  const { type, const: only } = schema as { readonly type?: string; readonly const?: unknown };
  if (only !== undefined) return only;
  if (type === "integer") return 2;
  if (type === "boolean") return true;
  if (type === "array") return ["ann", "bob"];
  return type === "object" ? { text: "hi" } : "g_1";
}

test("every field of every verb is sent as it was given, and the server can read the frame", () => {
  for (const t of VERB_NAMES) {
    const { frame } = verbOf(t);
    const names = Object.keys(frame).filter((name) => t !== "send" || name !== "to");
    const given = Object.fromEntries(names.map((name) => [name, taken(frame[name] as Field<unknown>)]));
    const checked = checkedFrame({ ...given, t }, VERB_FIELDS);
    assert.deepEqual(checked, { ...given, t });
    assert.doesNotThrow(() => READERS[t](new Fields(checked)), t);
  }
});

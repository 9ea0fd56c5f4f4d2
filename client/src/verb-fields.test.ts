import assert from "node:assert/strict";
import { test } from "node:test";
import { VERB_NAMES, verbOf } from "@jichat/conversation/tables.ts";
import type { FrameFields } from "./verb-fields.ts";
import { VERB_FIELDS } from "./verb-fields.ts";

/** A send names one of two fields: neither can be called required. */
const EITHER: Readonly<Record<string, readonly string[]>> = { send: ["conversation", "to"] };

test("the SDK knows the fields of every verb, as the verbs' own table has them", () => {
  const known = Object.fromEntries(
    Object.entries<FrameFields>(VERB_FIELDS).map(([verb, { required, optional = [] }]) => [
      verb,
      { required: [...required].sort(), optional: [...optional].sort() },
    ]),
  );
  const wanted = Object.fromEntries(
    VERB_NAMES.map((verb) => {
      const fields = Object.entries(verbOf(verb).frame).filter(([name]) => name !== "id");
      const isOptional = ([name, { isOptional: may }]: (typeof fields)[number]): boolean =>
        may === true || EITHER[verb]?.includes(name) === true;
      const names = (of: typeof fields): string[] => of.map(([name]) => name).sort();
      return [
        verb,
        {
          required: names(fields.filter((field) => !isOptional(field))),
          optional: names(fields.filter(isOptional)),
        },
      ];
    }),
  );
  assert.deepEqual(known, wanted);
});

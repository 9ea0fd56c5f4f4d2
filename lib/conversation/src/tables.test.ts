import assert from "node:assert/strict";
import { test } from "node:test";
import type { Field } from "@jichat/protocol/field.ts";
import { body, clientId, id, name, seq } from "@jichat/protocol/field.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { Facet } from "./facet.ts";
import { facetOf } from "./facet.ts";
import type { Kind } from "./kind.ts";
import { pins } from "./pin.ts";
import { KINDS, VERB_NAMES, verbOf } from "./tables.ts";
import { verb } from "./verb.ts";

// Most of this is said by types: `@ts-expect-error` fails the types where nothing is wrong below it.

const text: Facet<string> = {
  name: "pins",
  schema: { type: "string" },
  empty: "",
  shown: (value) => (value === "" ? undefined : value),
};

test("one table holds facets of different types", () => {
  const table: readonly Facet<unknown>[] = [pins, text];
  const shown = (facets: Readonly<Record<string, unknown>>) =>
    table.map((facet) => facet.shown(facetOf({ facets }, facet), 1));
  assert.deepEqual(shown({}), [undefined, undefined]);
});

test("a facet has the name of a field of `synced`, and no name that every conversation has", () => {
  // @ts-expect-error: clients would not be told of it.
  const untold: Facet<string> = { ...text, name: "weather" };
  // @ts-expect-error: it would hide the conversation's own.
  const hiding: Facet<string> = { ...text, name: "head" };
  assert.deepEqual([untold.name, hiding.name], ["weather", "head"]);
});

test("a kind has only fields of events, with their types, and its `apply` may read all of them", () => {
  const applied: string[] = [];
  const kind: Kind = {
    level: 0,
    fields: { body, target: seq(1) },
    apply: (_, event) => {
      applied.push(event.body ?? "", ...(event.mentions ?? []), String(event.replyTo));
    },
  };
  // @ts-expect-error: readers of `ChatEvent` would not be told of it.
  const untold: Kind = { level: 0, fields: { weather: name } };
  // @ts-expect-error: an event's target is a number.
  const another: Kind = { level: 0, fields: { target: name } };
  // @ts-expect-error: every event has a seq of its own.
  const hiding: Kind = { level: 0, fields: { seq: seq(1) } };
  const all = [kind, untold, another, hiding].flatMap(({ fields }) => Object.keys(fields));
  assert.deepEqual(all, ["body", "target", "weather", "target", "seq"]);
  const event = {
    kind: "message",
    from: "ann",
    body: "{}" as BodyText,
    mentions: ["bob"],
    replyTo: 3,
  } as const;
  kind.apply?.({} as never, event, { seq: 4, no: 1, position: 1 });
  assert.deepEqual(applied, ["{}", "bob", "3"]);
});

test("no field of a frame has the name of a field that its command adds about the sender", () => {
  const door = { level: 0, rest: "PUT /v1/x", summary: "Does nothing", decide: () => "unchanged" } as const;
  // @ts-expect-error: `user` is who asks.
  verb({ ...door, frame: { id: clientId, conversation: id, user: id } });
  for (const one of VERB_NAMES)
    for (const taken of ["user", "device", "session", "trace", "op", "t"])
      assert.equal(Object.hasOwn(verbOf(one).frame, taken), false, `${one}.${taken}`);
});

test("a field that several kinds have is the same in all of them, since OpenAPI describes it once", () => {
  const seen = new Map<string, object>();
  for (const { fields } of Object.values(KINDS))
    for (const [called, { schema }] of Object.entries<Field<unknown>>(fields)) {
      assert.deepEqual(schema, seen.get(called) ?? schema, called);
      seen.set(called, schema);
    }
});

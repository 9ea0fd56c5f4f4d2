import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { BODY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { ClientFrame } from "./client-frame.ts";
import { readClientFrame } from "./client-frame.ts";
import type { Field } from "@jichat/protocol/field.ts";
import type { ControlFrame } from "@jichat/protocol/frame/client-frame.ts";
import { idOf } from "@jichat/protocol/frame/client-frame.ts";
import type { VerbName } from "./tables.ts";
import { VERB_NAMES, verbOf } from "./tables.ts";
import { jsonCodec, msgpackCodec } from "@jichat/protocol/frame/codec.ts";

type Sample = Readonly<Record<string, unknown>>;

const id = "me";
const conversation = "g_1";
const users = ["ann", "bob"];
const body = { text: "hi" };

/** A value that a field takes, by its schema. */
function taken({ schema }: Field<unknown>): unknown {
  const { type, const: only } = schema as { readonly type?: string; readonly const?: unknown };
  if (only !== undefined) return only;
  if (type === "integer") return 2;
  if (type === "boolean") return true;
  if (type === "array") return users;
  return type === "object" ? body : "g_1";
}

/** Of each type a frame that is right; several where fields exclude one another. */
const CONTROL: Readonly<Record<ControlFrame["t"], readonly Sample[]>> = {
  hello: [
    { token: "x", device: "d", client: "c", echo: true },
    { ticket: "x", device: "d" },
  ],
  sync: [{ id, since: "s", page: "p", limit: 5 }],
  pull: [
    { id, conversation, after: 1, limit: 5 },
    { id, conversation, before: 9 },
  ],
  renew: [{ id, token: "x" }],
  ping: [{ id }],
  state: [{ id, active: true }],
};
const SENDS: readonly Sample[] = [
  { id, to: "bob", body, replyTo: 1, mentions: users },
  { id, conversation, body },
];
const samplesOf = (verb: VerbName): readonly Sample[] =>
  verb === "send"
    ? SENDS
    : [Object.fromEntries(Object.entries(verbOf(verb).frame).map(([name, field]) => [name, taken(field)]))];
const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  ...CONTROL,
  ...Object.fromEntries(VERB_NAMES.map((verb) => [verb, samplesOf(verb)])),
};
const FRAMES = Object.entries(SAMPLES).flatMap(([t, samples]) =>
  samples.map((sample): Sample => ({ t, ...sample })),
);

const HALVES = ["\ud83d", "a\ud83d", "\ude00b", "\ude00\ud83d"];
const CONTROLS = ["\u0000", "a\u0001b", "a\n", "\u007f", "\u0085"];
const MAPS: readonly object[] = [{}, { toString: "x" }, { length: 1, 0: "x" }];

/** What may not stand where `good` does. */
function badInsteadOf(good: unknown, name: string): readonly unknown[] {
  const others = [null, ...MAPS];
  if (typeof good === "string") {
    const texts = name === "t" ? HALVES : [...HALVES, ...CONTROLS];
    return [...others, ...texts, 0, 397, 1.5, true, false, [], [good], "x".repeat(10_000)];
  }
  if (typeof good === "number") {
    return [...others, `${good}`, "", "x", true, [], [good], -1, 1.5, 2 ** 53, Number.NaN];
  }
  if (typeof good === "boolean") return [...others, 0, 1, "true", "", [], [good]];
  if (Array.isArray(good)) {
    const entries = [null, 1, true, {}, [], ["ann"], "", "a b", "é", ...HALVES, ...CONTROLS];
    return [...others, "ann", 1, true, ...entries.map((entry) => ["bob", entry])];
  }
  const values = [...HALVES, 2 ** 53].flatMap((value) => [{ a: value }, { a: [1, { b: value }] }]);
  return [null, "hi", 1, true, [], [good], ...values, ...HALVES.map((half) => ({ a: { [half]: 1 } }))];
}

const asBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

const ENCODINGS = [
  ["JSON", jsonCodec, false, (frame: unknown) => new TextEncoder().encode(JSON.stringify(frame))],
  ["MessagePack", msgpackCodec, true, (frame: unknown) => encode(frame)],
] as const;

/** What a connector does with bytes: the frame, or its refusal with the id that it can name. */
function take([, codec, binary]: (typeof ENCODINGS)[number], bytes: Uint8Array): ClientFrame {
  let value: unknown;
  try {
    value = codec.read(asBuffer(bytes), binary);
    codec.check(value);
    return readClientFrame(value, BODY_BYTES_MAX, LEVEL_KNOWN);
  } catch (error) {
    throw Object.assign(new Error(String(error)), { error, named: idOf(value ?? error) });
  }
}

test("the samples have every field that the reader reads", () => {
  const asked = new Map<string, Set<string>>();
  for (const frame of FRAMES) {
    const names = new Set<string>();
    asked.set(String(frame["t"]), asked.get(String(frame["t"])) ?? names);
    const watched = new Proxy(frame, {
      get: (target, name: string) => {
        asked.get(String(frame["t"]))?.add(name);
        return target[name];
      },
    });
    readClientFrame(watched, BODY_BYTES_MAX, LEVEL_KNOWN);
  }
  for (const [t, names] of asked) {
    const have = new Set(FRAMES.filter((frame) => frame["t"] === t).flatMap((frame) => Object.keys(frame)));
    assert.deepEqual([...have].toSorted(), [...names].toSorted(), t);
  }
});

for (const encoding of ENCODINGS) {
  const [name, , , write] = encoding;
  test(`${name}: a wrong value of any field of any frame is refused by the field's name, with the id`, () => {
    let tried = 0;
    for (const frame of FRAMES) {
      assert.equal(take(encoding, write(frame)).t, frame["t"]);
      for (const [field, good] of Object.entries(frame))
        for (const bad of badInsteadOf(good, field)) {
          tried += 1;
          assert.throws(
            () => take(encoding, write({ ...frame, [field]: bad })),
            ({ error, named }: { error: { code?: unknown; message: string }; named: unknown }) =>
              error.code === "FRAME_MALFORMED" &&
              (error.message.startsWith(`\`${field}`) || (field === "t" && error.message.includes("`t`"))) &&
              error.message.isWellFormed() &&
              named === (field === "id" ? undefined : frame["id"]),
            `${String(frame["t"])}.${field} = ${JSON.stringify(bad)}`,
          );
        }
    }
    assert.ok(tried > 700, String(tried));
  });
}

/** JSON text of a number, and the number in MessagePack, by hand: what no encoder would write as well. */
const NUMBERS: readonly (readonly [string, string, boolean])[] = [
  ["9007199254740991", "cf001fffffffffffff", true],
  ["-9007199254740991", "d3ffe0000000000001", true],
  ["0.1", "cb3fb999999999999a", true],
  ["-0", "cb8000000000000000", true],
  ["5e-324", "cb0000000000000001", true],
  ["9007199254740992", "cf0020000000000000", false],
  ["9007199254740993", "cf0020000000000001", false],
  ["-9007199254740992", "d3ffe0000000000000", false],
  ["-9007199254740993", "d3ffdfffffffffffff", false],
  ["18446744073709551615", "cfffffffffffffffff", false],
  ["-9223372036854775808", "d38000000000000000", false],
  ["9007199254740993.0", "cb4340000000000001", false],
  ["1e16", "ca5a0e1bca", false],
  ["1e300", "cb7e37e43c8800759c", false],
  ["-1e300", "cbfe37e43c8800759c", false],
  ["1e400", "cb7ff0000000000000", false],
  ["-1e400", "caff800000", false],
  ["1e999", "cb7ff8000000000000", false],
];
const PLACES: readonly (readonly [string, string, string])[] = [
  ['{"a":#}', "81a161#", "body.a"],
  ['{"a":[1,{"b c":#}]}', "81a161920181a3622063#", 'body.a[1]["b c"]'],
  ['{"constructor":{"length":#}}', "81ab636f6e7374727563746f7281a66c656e677468#", "body.constructor.length"],
];

test("a number of a body outside of ±(2^53 - 1) is refused by its path, in both encodings", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const [json, msgpack] = ENCODINGS;
  for (const [text, bytes, isGood] of NUMBERS)
    for (const [jsonBody, msgpackBody, path] of PLACES) {
      const asText = `{"t":"send","id":"me","to":"bob","body":${jsonBody.replace("#", text)}}`;
      const head = "84a174a473656e64a26964a26d65a2746fa3626f62a4626f6479";
      for (const [encoding, message] of [
        [json, new TextEncoder().encode(asText)],
        [msgpack, hex(head + msgpackBody.replace("#", bytes))],
      ] as const) {
        const reason = {
          message: `ChatError: \`${path}\` is a number outside of -(2^53 - 1) to 2^53 - 1`,
          named: id,
        };
        if (isGood) assert.equal(take(encoding, message).t, "send");
        else assert.throws(() => take(encoding, message), reason, `${text} ${bytes} at ${path}`);
      }
    }
});

test("a key of a body may have any name that JavaScript uses, and is unchanged", () => {
  const names = [Object.prototype, Array.prototype, Function.prototype, Map.prototype].flatMap((one) =>
    Object.getOwnPropertyNames(one),
  );
  for (const key of new Set([...names, "prototype", "toJSON", "then", "body", "t", "id"]))
    for (const value of [1, "x", null, [], { prototype: 1 }, { [key]: { [key]: null } }]) {
      if (key === "__proto__") continue;
      const said = { [key]: value, list: [{ [key]: value }] };
      for (const encoding of ENCODINGS) {
        const frame = take(encoding, encoding[3]({ t: "send", id, to: "bob", body: said }));
        assert.ok(frame.t === "send");
        assert.equal(frame.body, JSON.stringify(said));
      }
    }
});

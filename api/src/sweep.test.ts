import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { FastifyInstance, InjectOptions } from "fastify";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

interface Responses {
  readonly [status: string]: { readonly $ref?: string };
}
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
}
interface Operation {
  readonly responses: Responses;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly content: Record<
      string,
      {
        readonly schema: { readonly properties: Record<string, Schema> };
        readonly examples?: Readonly<Record<string, { readonly value: Readonly<Record<string, unknown>> }>>;
      }
    >;
  };
}
interface Call {
  readonly method: string;
  /** With values that each of its parameters takes. */
  readonly path: string;
  /** The same but for one parameter. */
  readonly pathWith: (name: string, value: string) => string;
  readonly operation: Operation;
  readonly fields: Readonly<Record<string, Schema>>;
  /** Several bodies that are good, between them with all fields, where fields depend on one another. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

let app: FastifyInstance;
let calls: readonly Call[];

before(async () => {
  app = await buildServer(offlineParts());
  await app.ready();
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>> };
  calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const needed = (operation.parameters ?? []).filter(
        (one) => one.in === "query" && one.required === true,
      );
      // Of a GET they are tried by their own test.
      const query =
        method === "delete"
          ? needed.map(({ name, schema }) => `${name}=${String(taken(schema))}`).join("&")
          : "";
      const pathWith = (name: string, value: string): string =>
        path.replaceAll(/\{(\w+)\}/g, (_, one) => (one === name ? value : one === "seq" ? "1" : "some")) +
        (query === "" ? "" : `?${query}`);
      return {
        method: method.toUpperCase(),
        path: pathWith("", ""),
        pathWith,
        operation,
        fields: operation.requestBody?.content["application/json"]?.schema.properties ?? {},
        examples: Object.values(operation.requestBody?.content["application/json"]?.examples ?? {}).map(
          ({ value }) => value,
        ),
      };
    }),
  );
});
after(async () => app.close());

/** A value that a declared field takes. */
function taken({ type, enum: [only] = [], minimum = 0 }: Schema): unknown {
  if (only !== undefined) return only;
  if (type === "integer") return Math.max(1, minimum);
  if (type === "boolean") return true;
  if (type === "array") return ["ann"];
  if (type === "object") return { text: "hello" };
  return "some-text";
}

/** JSON texts of the fields of a good body, if there is one with `name` among them. */
function goodBody({ fields, examples }: Call, name?: string): Readonly<Record<string, string>> {
  const example =
    examples.length > 0
      ? examples.find((one) => name === undefined || name in one)
      : Object.fromEntries(Object.entries(fields).map(([field, schema]) => [field, taken(schema)]));
  assert.ok(example !== undefined, `no example has ${name}`);
  return Object.fromEntries(Object.entries(example).map(([field, value]) => [field, JSON.stringify(value)]));
}

/** JSON texts of what no field of this kind takes, by what they are. */
function wrong(name: string, schema: Schema): readonly (readonly [string, string])[] {
  const { type, minLength = 0, pattern } = schema;
  const all: (readonly [string, string])[] = [
    ["null", "null"],
    ["a huge number", "1234567890123456789"],
    ["beyond every number", "1e999"],
    ["a fraction", "1.5"],
    ["a negative number", "-1"],
    ["a list of a list", '[["ann"]]'],
    ["a list of a number", "[397]"],
    ["half a surrogate pair in a list", String.raw`["cut \ud83d"]`],
    ["half a surrogate pair", String.raw`"cut \ud83d pair"`],
    ["a text too long", JSON.stringify("x".repeat(20_000))],
  ];
  if (type !== "string" || minLength > 0 || pattern !== undefined) all.push(["an empty text", '""']);
  if (type !== "boolean") all.push(["true", "true"]);
  if (type !== "integer") all.push(["a number", "397"]);
  if (type !== "array") all.push(["a list", '["ann"]']);
  else all.push(["too many", JSON.stringify(Array.from({ length: 1_001 }, (_, i) => `u${i}`))]);
  if (type !== "object") all.push(["a map", '{"a":1}']);
  else
    all.push(
      ["a number beyond 2^53", '{"n":1e999}'],
      ["a `__proto__`", '{"__proto__":{"a":1}}'],
      ["a body too large", JSON.stringify({ a: "x".repeat(9_000) })],
      ["a body too deep", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`],
    );
  if (type !== "string") all.push(["a text", '"ann"']);
  // A password may be any text.
  else if (!["password", "old", "new"].includes(name))
    all.push(
      ["a control character", String.raw`"a\u0001b"`],
      ["a line feed at its end", String.raw`"ab\n"`],
      ["text turned around", String.raw`"a\u202eb"`],
      ["no ASCII that is printable", String.raw`"\u200b\u0000"`],
    );
  if (name === "name") all.push(["nothing but spaces", '"  "'], ["129 code points", `"${"é".repeat(129)}"`]);
  return all;
}

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
}
const optionsOf = (sent: Sent): InjectOptions => ({
  ...sent,
  headers: { ...sent.headers, authorization: "Bearer x" },
});

async function refuses(what: string, request: Sent, name: string): Promise<void> {
  const reply = await app.inject(optionsOf(request));
  const told = `${request.method} ${request.url}: ${what}: ${reply.statusCode} ${reply.body}`;
  assert.equal(reply.statusCode, 400, told);
  const { code, message, traceId } = reply.json<{ code: string; message: string; traceId: string }>();
  assert.equal(code, "INVALID", told);
  // By itself, or by the path to what is wrong inside.
  assert.ok(
    ["`", ".", "["].some((end) => message.includes(`\`${name}${end}`)),
    told,
  );
  assert.equal(traceId, String(reply.headers["traceparent"]).split("-")[1], told);
}

test("each refusal of the sweeps is one that its operation declares", () => {
  for (const { method, path, operation } of calls)
    assert.match(operation.responses["400"]?.$ref ?? "", /Invalid/, `${method} ${path}`);
});

const withBody = ({ method, path }: Call, payload: string): Sent => ({
  method,
  url: path,
  headers: { "content-type": "application/json" },
  payload,
});
const json = (fields: Readonly<Record<string, string>>): string =>
  `{${Object.entries(fields)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`)
    .join(",")}}`;

test("a wrong value of each field of each body is refused by the field's name", async () => {
  let tried = 0;
  for (const call of calls) {
    for (const [name, schema] of Object.entries(call.fields)) {
      const good = goodBody(call, name);
      for (const [what, text] of wrong(name, schema)) {
        await refuses(`\`${name}\` as ${what}`, withBody(call, json({ ...good, [name]: text })), name);
        tried += 1;
      }
    }
  }
  assert.ok(tried > 200, String(tried));
});

test("an unknown field of a request is refused by its name, and the known ones are accepted", async () => {
  for (const call of calls.filter(({ fields }) => Object.keys(fields).length > 0)) {
    const good = goodBody(call);
    for (const name of ["surplus", "t", "__proto__", "constructor", "toString"])
      await refuses("a surplus field", withBody(call, json({ ...good, [name]: "1" })), name);
    const taking = await app.inject(optionsOf(withBody(call, json(good))));
    assert.notEqual(taking.statusCode, 400, `${call.method} ${call.path}: ${taking.body}`);
    for (const payload of ["", "[]", "null", '"text"', "7", "{", '{"a":1}}', "\u{feff}{}", "{}{}"]) {
      const reply = await app.inject(optionsOf(withBody(call, payload)));
      assert.equal(reply.statusCode, 400, `${call.method} ${call.path} ${payload}: ${reply.body}`);
    }
  }
});

test("a body may have keys that have a meaning in JavaScript", async () => {
  for (const body of ['{"constructor":{"prototype":1}}', '{"prototype":1,"toString":2,"hasOwnProperty":3}']) {
    const reply = await app.inject({
      method: "POST",
      url: "/v1/conversations/g_1/messages",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      payload: `{"id":"x","body":${body}}`,
    });
    assert.notEqual(reply.statusCode, 400, reply.body);
  }
});

test("a wrong value of each parameter of each query is refused by the parameter's name", async () => {
  let tried = 0;
  for (const { method, path, operation } of calls) {
    const declared = (operation.parameters ?? []).filter((one) => one.in === "query");
    // `after` and `before` exclude each other, and `next` lies within its `q`: each is tried by itself.
    const needed = declared.some(({ name }) => name === "q") ? "q=s&" : "";
    for (const { name, schema } of declared) {
      const bad = ["%", "%ff", "%ed%a0%80", "a%00b", "x".repeat(5_000)];
      if (schema.type === "integer")
        bad.push("", "-1", "1.5", "1e3", "0x1", "ten", "9007199254740993", "1,2");
      for (const value of bad.map((text) => `${name}=${text}`).concat(`${name}=1&${name}=2`)) {
        const query = name === "q" ? value : `${needed}${value}`;
        await refuses("a query", { method, url: `${path}?${query}` }, name);
        tried += 1;
      }
    }
  }
  assert.ok(tried > 50, String(tried));
  const both = { method: "GET", url: "/v1/conversations/g_1/events?after=1&before=2" } as const;
  await refuses("both", both, "after");
  await refuses("both", both, "before");
  await refuses("a page of others", { method: "GET", url: "/v1/users?q=zzz&next=a" }, "next");
});

test("a wrong id in a path is refused by the parameter's name", async () => {
  for (const call of calls) {
    const { method, pathWith, operation } = call;
    for (const { name } of (operation.parameters ?? []).filter((one) => one.in === "path")) {
      for (const bad of ["a.b", "%20", "%00", "x".repeat(65), "x".repeat(300), "%f0%9f%98%80"]) {
        const payload = json(goodBody(call));
        await refuses(
          "a path",
          method === "GET" || method === "DELETE"
            ? { method, url: pathWith(name, bad) }
            : withBody({ ...call, path: pathWith(name, bad) }, payload),
          name,
        );
      }
    }
  }
});

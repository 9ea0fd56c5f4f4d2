import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { isErrorCode } from "@jichat/protocol/errors.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";

/** An answer of `components.responses`: its examples are named after the codes that it stands for. */
interface Declared {
  readonly content: { readonly "application/json": { readonly examples: object } };
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
  readonly fields: readonly string[];
}
interface Operation {
  readonly responses: Route["responses"];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { properties: object } }> };
}

let stack: Stack;
let destroy: () => Promise<void>;

before(async () => {
  const api = { SIGN_INS_PER_SECOND: "10000", REQUESTS_PER_SECOND: "100000" };
  ({ stack, destroy } = await startThrowaway({ env: { api } }));
});
after(async () => destroy?.());

const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(stack.apiUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
  return (await reply.json()) as Record<string, unknown>;
};

/** What is there, what could be, and what is nearly either: of each kind, for each field. */
const values = fc.oneof(
  fc.constantFrom(
    "ann",
    "Ann",
    "g_1",
    "x",
    "group",
    "correct horse",
    "\u{1f600}",
    "cut \ud83d",
    "a\u0000",
    "",
  ),
  fc.constantFrom(0, 1, -1, 2 ** 53, 397, 1.5, true, null),
  fc.constantFrom([], ["ann"], ["arr", 1], {}, { text: "hi" }, { a: { b: [null, 2 ** 60] } }),
  fc.string({ unit: "binary" }),
  fc.jsonValue({ stringUnit: "binary" }),
);
const texts = fc.oneof(
  fc.constantFrom("ann", "g_1", "1", "0", "AQ", "AQEB", "%", "%ff", "+", "&", "=", "%00", "AQ".repeat(3_000)),
  fc.string({ unit: "binary" }).map((text) => encodeURIComponent(text.toWellFormed())),
);

test("random requests to each route get no INTERNAL, and each answer has a traceId and is declared", async () => {
  await post("/v1/users", { user: "ann", password: "correct horse" });
  const { token } = await post("/v1/sessions", { user: "ann", password: "correct horse" });
  const { paths, components } = (await (await fetch(`${stack.apiUrl}/v1/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: { responses: Record<string, Declared> };
  };
  const codesOf = (responses: Route["responses"], status: number): readonly string[] => {
    const name = responses[status]?.$ref?.split("/").at(-1) ?? "";
    return Object.keys(components.responses[name]?.content["application/json"].examples ?? {});
  };
  const routes: Route[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // Signing out and a new password would end the run's own token.
      .filter(([method]) => method !== "delete" && path !== "/v1/me/password")
      .map(([method, { requestBody, responses }]) => ({
        method: method.toUpperCase(),
        path,
        responses,
        fields: Object.keys(requestBody?.content["application/json"]?.schema.properties ?? {}),
      })),
  );
  const requests = fc.constantFrom(...routes).chain(({ method, path, fields, responses }) =>
    fc.record({
      method: fc.constant(method),
      path: fc.constant(path),
      responses: fc.constant(responses),
      url: texts.map((text) => path.replace(/\{\w+\}/g, text)),
      query: fc.array(
        fc.tuple(fc.constantFrom("q", "next", "since", "page", "limit", "after", "before"), texts),
        { maxLength: 3 },
      ),
      body: fc.record(Object.fromEntries(fields.map((name) => [name, values])), { requiredKeys: [] }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, path, responses, url, query, body }) => {
      const search = query.map(([name, value]) => `${name}=${value}`).join("&");
      const reply = await fetch(`${stack.apiUrl}${url}?${search}`, {
        method,
        headers: { "content-type": "application/json", authorization: `Bearer ${String(token)}` },
        ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
      });
      const text = await reply.text();
      const { code, traceId } = JSON.parse(text) as { code?: string; traceId?: string };
      assert.ok(reply.status < 500, `${reply.status} ${text}`);
      assert.equal(code !== undefined && isErrorCode(code), reply.status >= 400, text);
      assert.match(String(traceId), /^[0-9a-f]{32}$/, text);
      // A fuzzed segment may be empty, and then another route answers, or none.
      if (code === undefined || url.includes("//") || url.endsWith("/")) return;
      const codes = codesOf(responses, reply.status);
      assert.ok(codes.includes(code), `${method} ${path} does not declare ${reply.status} ${text}`);
    }),
    { numRuns: 1_500 },
  );
});

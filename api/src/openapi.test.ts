import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectral from "@stoplight/spectral-core";
import rulesets from "@stoplight/spectral-rulesets";
import type { OpenAPI3 } from "openapi-typescript";
import openapiTypes, { astToString } from "openapi-typescript";
import { ERRORS, isErrorCode } from "@jichat/protocol/errors.ts";
import { REST_ERRORS } from "@jichat/protocol/rest-errors.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { openApi } from "./openapi.ts";

let document: OpenApiDocument;
let text: string;

before(async () => {
  document = await openApi<OpenApiDocument>();
  text = JSON.stringify(document);
});

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly responses?: Readonly<Record<string, { readonly $ref?: string; readonly content?: object }>>;
}
const operations = (): readonly (readonly [string, Operation])[] =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as Operation] as const,
    ),
  );

/** The problems that Redocly's recommended rules find in a document. Neither file nor network is read. */
async function redocly(source: string): Promise<readonly string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return problems.map(
    ({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ""}`,
  );
}

/** The problems that Spectral's rules for OpenAPI find in a document, hints among them. */
async function spectralOas(described: object): Promise<readonly string[]> {
  const linter = new spectral.Spectral();
  linter.setRuleset({ extends: [[rulesets.oas, "recommended"]], rules: {} } as never);
  const problems = await linter.run({ ...described });
  return problems.map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`);
}

test("Redocly and Spectral find nothing in the document, and something in a worse one", async () => {
  assert.deepEqual(await redocly(text), []);
  assert.deepEqual(await spectralOas(document), []);

  const { servers: _, ...worse } = document;
  const unnamed = text.replace('"operationId":"signIn",', "");
  assert.notEqual(unnamed, text);
  assert.match((await redocly(unnamed)).join("\n"), /operation-operationId/);
  assert.match((await spectralOas(worse)).join("\n"), /oas3-api-servers/);
});

test("each operation has a name of its own, one known tag, and an answer of a named component", () => {
  const names = operations().map(([, { operationId = "" }]) => operationId);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    names.filter((name) => !/^[a-z]+([A-Z][a-z]+)*$/.test(name)),
    [],
  );
  const tags = new Set(document.tags?.map(({ name }) => name));
  const used = operations().map(([, { tags: [tag = "", ...more] = [] }]) => (more.length > 0 ? "" : tag));
  assert.deepEqual([...new Set(used)].sort(), [...tags].sort());
  for (const [call, { responses = {} }] of operations())
    for (const [status, { $ref, content }] of Object.entries(responses)) {
      const named = $ref ?? JSON.stringify(content);
      assert.match(named, /#\/components\/(schemas|responses)\//, `${call} ${status}`);
      assert.doesNotMatch(named, /"properties"/, `${call} ${status}`);
    }
});

test("the errors of an operation follow from its traits, each code with its status", () => {
  const { responses = {} } = document.components ?? {};
  const told = (call: string): readonly string[] => {
    const [, operation] = operations().find(([one]) => one === call) ?? [];
    return Object.entries(operation?.responses ?? {}).flatMap(([status, { $ref = "" }]) => {
      const response = responses[$ref.split("/").at(-1) ?? ""] as
        | { content: Record<string, { examples: object }> }
        | undefined;
      const codes = Object.keys(response?.content["application/json"]?.examples ?? {});
      for (const code of codes) {
        assert.ok(isErrorCode(code), code);
        // INVALID stands for what HTTP has a status of its own for.
        if (code !== "INVALID") assert.equal(ERRORS[code].http, Number(status), `${call} ${code}`);
      }
      return codes.map((code) => `${status} ${code}`);
    });
  };
  assert.deepEqual(told("GET /v1/config"), ["400 INVALID", "408 INVALID", "431 INVALID", "500 INTERNAL"]);
  const signIn = told("POST /v1/sessions");
  assert.ok(signIn.includes("401 UNAUTHENTICATED") && !signIn.includes("401 TOKEN_EXPIRED"), String(signIn));
  assert.ok(signIn.includes("415 INVALID") && signIn.includes("413 FRAME_TOO_LARGE"), String(signIn));
  const ending = told("DELETE /v1/me/sessions/{device}");
  for (const one of ["400 FRAME_UNKNOWN", "404 NOT_FOUND", "409 CONFLICT", "429 RATE_LIMITED"])
    assert.ok(ending.includes(one), one);
  const all = new Set(operations().flatMap(([call]) => told(call).map((one) => one.split(" ")[1] ?? "")));
  assert.deepEqual([...all].sort(), Object.keys(REST_ERRORS).sort(), "a row that no operation uses");
});

/** What a user of the generated types writes. A line that is expected to fail and does not is an error too. */
const PROGRAM = `
  import type { components, operations, paths } from "./schema.d.ts";

  type Json<T> = T extends { content: { "application/json": infer B } } ? B : never;
  type Message = NonNullable<operations["sendMessage"]["requestBody"]>["content"]["application/json"];

  const message: Message = { id: "m-1", body: { text: "hello" } };
  // @ts-expect-error: a message has an id
  const incomplete: Message = { body: {} };
  const page: paths["/v1/conversations/{conversation}/events"]["get"]["parameters"]["query"] = { after: 1 };

  export function latest(answer: Json<operations["listEvents"]["responses"][200]>): string {
    const event: components["schemas"]["Event"] | undefined = answer.events.at(-1);
    // @ts-expect-error: a page may be empty
    event.seq;
    return \`\${event?.kind ?? "none"} \${answer.traceId}\`;
  }

  export function wait(answer: Json<components["responses"]["Error429RateLimited"]>): number {
    // @ts-expect-error: it is not always told
    const exact: number = answer.retryAfterMs;
    return answer.code === "RATE_LIMITED" ? (answer.retryAfterMs ?? exact) : 0;
  }
  export const all = [message, incomplete, page];
`;

test("openapi-typescript makes types of it that a strict program uses", async () => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-openapi-"));
  try {
    const types = astToString(await openapiTypes(JSON.parse(text) as OpenAPI3, { silent: true }));
    writeFileSync(join(folder, "schema.d.ts"), types);
    writeFileSync(join(folder, "program.ts"), PROGRAM);
    const compiler = join(ROOT, "node_modules/.bin/tsc");
    const strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
    const options = ["--noEmit", "--allowImportingTsExtensions", "--module", "nodenext", ...strict];
    const { status, stdout } = spawnSync(compiler, [...options, "--types", "", "program.ts"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

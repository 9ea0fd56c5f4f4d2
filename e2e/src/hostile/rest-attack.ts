import { request } from "node:http";
import type { Dice } from "@jichat/protocol/dice.ts";
import { mutated, oddValue } from "./odd-values.ts";
import type { Target } from "./wire.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
}
interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
}
interface Declared {
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
}

/** The operations in the api's own OpenAPI description, so that a new route is attacked automatically. */
export async function operationsOf(apiUrl: string): Promise<readonly Operation[]> {
  const answer = await fetch(`${apiUrl}/v1/openapi.json`);
  const { paths } = (await answer.json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Declared>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      fields: Object.keys(requestBody?.content?.["application/json"]?.schema?.properties ?? {}),
    })),
  );
}

const HEADERS = [
  { "content-type": "application/json" },
  { "content-type": "text/plain" },
  { "content-type": "application/json; charset=latin1" },
  {},
] as const;
const QUERIES = [
  "",
  "?limit=0",
  "?limit=a",
  "?after=-1",
  "?before=1&after=1",
  "?q=%zz",
  "?q=%ed%a0%80",
  "?limit=1&limit=2",
];
const SEGMENTS = ["prey", "a.b", "%zz", "%2e%2e", "*", "x".repeat(70), "g_none", "%ed%a0%80"];
const REQUEST_MS = 10_000;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function ask(
  target: Target,
  { method, path, headers, body }: Asked,
): Promise<{ status: number; text: string } | undefined> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; text: string } | undefined>();
  const asked = request(
    {
      host: target.url.hostname,
      port: target.url.port,
      localAddress: target.from,
      method,
      path,
      headers,
      timeout: REQUEST_MS,
    },
    (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, text });
      });
      answer.on("error", () => {
        resolve(undefined);
      });
    },
  );
  asked.on("timeout", () => asked.destroy());
  asked.on("error", () => {
    resolve(undefined);
  });
  asked.end(body);
  return promise;
}

interface RestAttack {
  readonly operations: readonly Operation[];
  readonly tokens: readonly string[];
  readonly dice: Dice;
  readonly isOver: () => boolean;
}

/**
 * Sends almost valid requests to every operation. Returns their number, and every answer that must never
 * occur: a 500, or an error without a traceId.
 */
export async function attackRest(
  target: Target,
  { operations, tokens, dice, isOver }: RestAttack,
): Promise<{ made: number; wrong: string[] }> {
  let made = 0;
  const wrong: string[] = [];
  while (!isOver()) {
    const { method, path, fields } = dice.pick(operations);
    const where = path.replaceAll(/\{[^}]+\}/g, () => dice.pick(SEGMENTS)) + dice.pick(QUERIES);
    const token = dice.pick([...tokens, "", "a.b.c"]);
    const body =
      method === "GET"
        ? undefined
        : dice.chance(0.1)
          ? dice.pick(["{", "[]", "null", '{"body":', '{"__proto__":{"a":1}}', ""])
          : JSON.stringify(fields.length === 0 ? oddValue(dice) : mutated({}, fields, dice));
    const answer = await ask(target, {
      method: dice.chance(0.05) ? "PATCH" : method,
      path: where,
      headers: {
        ...dice.pick(HEADERS),
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      },
      body,
    });
    made += 1;
    if (answer === undefined) continue;
    const isTraced = answer.status < 400 || !where.startsWith("/v1/") || answer.text.includes('"traceId"');
    if ((answer.status === 500 || !isTraced) && wrong.length < 10)
      wrong.push(
        `${method} ${where} ${body?.slice(0, 200) ?? ""}: ${answer.status} ${answer.text.slice(0, 200)}`,
      );
  }
  return { made, wrong };
}

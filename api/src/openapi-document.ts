import type { OpenAPIV3_1 } from "openapi-types";
import type { FastifyInstance } from "fastify";
import type { RestRefusal, RestTrait } from "@jichat/protocol/rest-errors.ts";
import { restErrorsOf } from "@jichat/protocol/rest-errors.ts";
import { TRACE_ID } from "./components.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the operation can refuse, beside what its method and its token say. */
    readonly refuses?: readonly RestTrait[];
  }
}

export type OpenApiDocument = OpenAPIV3_1.Document;
type Operation = OpenAPIV3_1.OperationObject;
type Response = OpenAPIV3_1.ResponseObject;

/** Retryable statuses say when to come back. */
const RETRIED = new Set([429, 503]);

/** What a document of ours has in every version; paths and schemas come from the routes. */
export const OPENAPI = (version: string) => ({
  openapi: "3.1.0",
  info: {
    title: "JiChat",
    version,
    description:
      "REST for bots, back ends and sign-in. Live messages come over the WebSocket that `GET /v1/config` names. " +
      "Every answer carries a `traceId`, in its body and in the header `traceparent`. Fields may be added: " +
      "ignore those that you do not know.",
    contact: { name: "JiChat" },
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/", description: "The api that serves this document" }],
  tags: [
    {
      name: "accounts",
      description: "Signing up, one's own profile and password, and deleting one's account",
    },
    { name: "sessions", description: "Signing in and out, and the devices of one's own that are signed in" },
    { name: "users", description: "Other users: by id, or by the beginning of it" },
    { name: "conversations", description: "One's list of conversations, and groups" },
    { name: "members", description: "Who is in a conversation, and who comes and goes" },
    { name: "messages", description: "A conversation's events: reading, sending, changing and pinning them" },
    { name: "push", description: "Which of one's own devices receive pushes, and how" },
    { name: "service", description: "What clients have to know before they connect" },
  ],
  components: {
    securitySchemes: {
      token: {
        type: "http" as const,
        scheme: "bearer",
        bearerFormat: "JWT",
        description: "From `POST /v1/sessions`, or from another system whose keys this cluster trusts",
      },
    },
  },
  security: [{ token: [] }],
});

/** What each operation can refuse, by method and path. Collected while routes are registered. */
export type Refusals = ReadonlyMap<string, ReadonlySet<RestTrait>>;

const keyOf = (method: string, path: string): string => `${method.toUpperCase()} ${path}`;

/** Notes the traits of every route that is registered after this call. */
export function collectRefusals(app: FastifyInstance): Refusals {
  const refusals = new Map<string, ReadonlySet<RestTrait>>();
  app.addHook("onRoute", ({ url, method, config, schema }) => {
    const needsToken = (schema?.security ?? [{}]).length > 0;
    for (const one of [method].flat()) {
      const traits = new Set<RestTrait>(["any", ...(config?.refuses ?? [])]);
      if (needsToken) traits.add("token").add("backends");
      if (traits.has("limited")) traits.add("backends");
      if (one !== "GET") traits.add("content");
      refusals.set(keyOf(one, url.replaceAll(/:(\w+)/g, "{$1}")), traits);
    }
  });
  return refusals;
}

/** The document with the errors of each operation, all made from one table (`REST_ERRORS`). */
export function withErrors(document: OpenApiDocument, refusals: Refusals): OpenApiDocument {
  const shared: Record<string, Response> = {};
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, item]) => [
      path,
      Object.fromEntries(
        Object.entries(item ?? {}).map(([method, operation]) => {
          const traits = refusals.get(keyOf(method, path)) ?? new Set();
          return [method, withErrorsOf(operation as Operation, traits, shared)];
        }),
      ),
    ]),
  );
  return { ...document, paths, components: { ...document.components, responses: shared } };
}

function withErrorsOf(
  operation: Operation,
  traits: ReadonlySet<RestTrait>,
  shared: Record<string, Response>,
): Operation {
  const errors = [...restErrorsOf(traits)].map(([status, refusals]) => {
    const name = nameOf(status, refusals);
    shared[name] ??= responseOf(status, refusals);
    return [String(status), { $ref: `#/components/responses/${name}` }];
  });
  return { ...operation, responses: { ...operation.responses, ...Object.fromEntries(errors) } };
}

/** `Error503BusyOrUnavailable`. */
const nameOf = (status: number, refusals: readonly RestRefusal[]): string =>
  `Error${status}${refusals.map(({ code }) => wordsOf(code)).join("Or")}`;
const wordsOf = (code: string): string =>
  code.toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_, first: string) => first.toUpperCase());

function responseOf(status: number, refusals: readonly RestRefusal[]): Response {
  return {
    description: refusals.map(({ code, when }) => `\`${code}\`: ${when}.`).join(" "),
    ...(RETRIED.has(status)
      ? { headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } } }
      : {}),
    content: {
      "application/json": {
        schema: { $ref: "#/components/schemas/Error" },
        examples: Object.fromEntries(
          refusals.map((refusal) => [refusal.code, { value: exampleOf(refusal) }]),
        ),
      },
    },
  };
}

const exampleOf = ({ code, status, when }: RestRefusal): object => ({
  code,
  message: when,
  ...(RETRIED.has(status) ? { retryAfterMs: 500 } : {}),
  traceId: TRACE_ID,
});

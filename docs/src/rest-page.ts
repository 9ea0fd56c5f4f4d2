/** What we use of OpenAPI 3.1. */
export interface OpenApi {
  readonly info: { readonly description?: string; readonly version: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}
interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Response;
  readonly responses?: Readonly<Record<string, Response>>;
}
/** A request body, an answer, or a reference to an answer. */
interface Response {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, unknown>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly description?: string;
}
interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
}

interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isNeeded: boolean;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const nameOf = ($ref: string): string => $ref.split("/").at(-1) ?? "";
const linkTo = ($ref: string): string => `[${nameOf($ref)}](#${nameOf($ref).toLowerCase()})`;

function typeOf({ $ref, type, items, const: only, enum: some }: Schema): string {
  if ($ref !== undefined) return linkTo($ref);
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (some !== undefined) return some.map((one) => `\`${JSON.stringify(one)}\``).join(", ");
  if (items !== undefined) return `list of ${typeOf(items)}`;
  return typeof type === "string" ? type : (type?.join(" or ") ?? "any");
}

function boundsOf(schema: Schema): string {
  const { pattern, minLength, maxLength, minimum, maximum, maxItems } = schema;
  const said = [
    pattern === undefined ? "" : `matches \`${pattern}\``,
    minLength === undefined ? "" : `at least ${minLength} characters`,
    maxLength === undefined ? "" : `at most ${maxLength} characters`,
    minimum === undefined ? "" : `≥ ${minimum}`,
    maximum === undefined ? "" : `≤ ${maximum}`,
    maxItems === undefined ? "" : `at most ${maxItems}`,
    schema.default === undefined ? "" : `default \`${JSON.stringify(schema.default)}\``,
    schema.description ?? "",
  ];
  return said.filter((part) => part !== "").join("; ");
}

/** The fields of an object, those of unnamed objects in it by their path: `items[].user`. */
function fieldsOf({ properties = {}, required = [] }: Schema, path = ""): Field[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const here = path + name;
    const field = { name: here, schema, isNeeded: required.includes(name) };
    const inner = schema.items ?? schema;
    return [field, ...fieldsOf(inner, schema.items === undefined ? `${here}.` : `${here}[].`)];
  });
}

function table(title: string, fields: readonly Field[]): string[] {
  if (fields.length === 0) return [];
  return [
    `| ${title} | type | |`,
    "| --- | --- | --- |",
    ...fields.map(
      ({ name, schema, isNeeded }) =>
        `| \`${name}\`${isNeeded ? "" : "?"} | ${cell(typeOf(schema))} | ${cell(boundsOf(schema))} |`,
    ),
    "",
  ];
}

function example(media: Media | undefined): string[] {
  if (media?.example === undefined) return [];
  return ["```json", JSON.stringify(media.example), "```", ""];
}

const jsonOf = (content: Response["content"]): Media | undefined => content?.["application/json"];

/** `Answers 200: the profile, as Profile and Traced.` */
function answer(status: string, { description = "", content }: Response): string {
  const { $ref, allOf = [] } = jsonOf(content)?.schema ?? {};
  const refs = [$ref, ...allOf.map((one) => one.$ref)].flatMap((one) => (one === undefined ? [] : [one]));
  return `Answers ${status}: ${description.toLowerCase()}, as ${refs.map(linkTo).join(" with ")}.`;
}

const codesOf = ({ content }: Response): readonly string[] => Object.keys(jsonOf(content)?.examples ?? {});

/** `Errors: 400 INVALID; 401 UNAUTHENTICATED, TOKEN_EXPIRED.` */
function errors({ responses = {} }: Operation, named: OpenApi["components"]["responses"]): string {
  const told = Object.entries(responses).flatMap(([status, { $ref = "" }]) => {
    const codes = codesOf(named[nameOf($ref)] ?? {});
    return codes.length === 0 ? [] : [`${status} ${codes.map((code) => `\`${code}\``).join(", ")}`];
  });
  return `[Errors](#errors): ${told.join("; ")}.`;
}

/** A line for each status and its codes, with what they mean. */
function errorTable(named: OpenApi["components"]["responses"]): string[] {
  const rows = Object.entries(named).map(([name, { description = "" }]) => {
    const [, status = ""] = /^Error(\d+)/.exec(name) ?? [];
    return `| ${status} | ${cell(description)} |`;
  });
  return ["## Errors", "", "| status | codes |", "| --- | --- |", ...rows.sort(), ""];
}

function operation(method: string, path: string, found: Operation, { components }: OpenApi): string[] {
  const { operationId = "", summary = "", description = "", security, parameters = [], requestBody } = found;
  const answers = Object.entries(found.responses ?? {}).filter(([status]) => status.startsWith("2"));
  const media = jsonOf(requestBody?.content);
  const needs = security?.length === 0 ? " Needs no token." : "";
  return [
    // As code: braces at a heading's end are attributes to VitePress.
    `### ${method.toUpperCase()} \`${path}\``,
    "",
    `**${summary}** (\`${operationId}\`). ${description.replace("Needs no token. ", "")}${needs}`,
    "",
    ...table(
      "parameter",
      parameters.map(({ name, schema = {}, required = false, description }) => ({
        name,
        schema: { ...schema, ...(description === undefined ? {} : { description }) },
        isNeeded: required,
      })),
    ),
    ...table("body", media?.schema === undefined ? [] : fieldsOf(media.schema)),
    ...example(media),
    ...answers.map(([status, one]) => answer(status, one)),
    "",
    errors(found, components.responses),
    "",
  ];
}

function component([name, schema]: readonly [string, Schema]): string[] {
  return [`### ${name}`, "", ...table("field", fieldsOf(schema))];
}

/** The REST reference as Markdown, made of what the api itself says of its routes. */
export function restPage(document: OpenApi): string {
  const { info, tags = [], paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, found]) => ({ method, path, found })),
  );
  const groups = tags.flatMap(({ name, description = "" }) => [
    `## ${name[0]?.toUpperCase() ?? ""}${name.slice(1)}`,
    "",
    `${description}.`,
    "",
    ...operations
      .filter(({ found }) => found.tags?.includes(name) === true)
      .flatMap(({ method, path, found }) => operation(method, path, found, document)),
  ]);
  return [
    "# REST",
    "",
    `${info.description ?? ""} \`Authorization: Bearer <token>\` unless a call says that it needs none. [Errors](../errors.md) says what to do after each. This page is made from \`/v1/openapi.json\` of the api, version ${info.version}; \`?\` marks what may be absent.`,
    "",
    ...groups,
    ...errorTable(components.responses),
    "## Schemas",
    "",
    ...Object.entries(components.schemas).flatMap(component),
  ].join("\n");
}

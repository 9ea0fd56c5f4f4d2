/** What we use of OpenAPI 3.1. */
export interface OpenApi {
  readonly info: { readonly description?: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content & { readonly description?: string }>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly description?: string;
}
interface Schema {
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

function typeOf({ type, items, const: only, enum: some }: Schema): string {
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

/** The fields of an object, those of objects in it by their path: `items[].user`. */
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

const schemaOf = ({ content }: Content): Schema => content?.["application/json"]?.schema ?? {};

function operation(method: string, path: string, found: Operation): string[] {
  const { summary = "", security, parameters = [], requestBody, responses = {} } = found;
  const answers = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  return [
    // As code: braces at a heading's end are attributes to VitePress.
    `## ${method.toUpperCase()} \`${path}\``,
    "",
    `${summary}.${security?.length === 0 ? " Needs no token." : ""}`,
    "",
    ...table(
      "parameter",
      parameters.map(({ name, schema = {}, required = false, description }) => ({
        name,
        schema: { ...schema, ...(description === undefined ? {} : { description }) },
        isNeeded: required,
      })),
    ),
    ...table("body", requestBody === undefined ? [] : fieldsOf(schemaOf(requestBody))),
    ...answers.flatMap(([status, answer]) => table(`reply ${status}`, fieldsOf(schemaOf(answer)))),
  ];
}

/** The REST reference as Markdown, made of what the api itself says of its routes. */
export function restPage({ info, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, found]) => operation(method, path, found)),
  );
  return [
    "# REST",
    "",
    `${info.description ?? ""} \`Authorization: Bearer <token>\` unless a call says that it needs none. Every reply carries \`traceId\`; an error is \`{code, message, traceId}\`, and [errors](../errors.md) says what to do. This page is made from \`/v1/openapi.json\` of the api, version ${info.version}; \`?\` marks what may be absent.`,
    "",
    ...operations,
  ].join("\n");
}

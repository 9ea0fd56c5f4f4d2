import type { TSchema } from "typebox";
import { SPEC } from "../crd/spec.ts";
import { REFUSALS } from "../crd/refusals.ts";
import { STATUS } from "../crd/status.ts";
import { TRANSITIONS } from "../crd/transitions.ts";

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-validations"?: readonly { readonly message: string }[];
}

interface Row {
  readonly path: string;
  readonly kind: string;
  readonly fallback: string;
  readonly says: string;
}

const plain = (schema: TSchema): Schema => JSON.parse(JSON.stringify(schema)) as Schema;

const escaped = (text: string): string => text.replaceAll("|", "\\|");

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${String(one)}\``).join(", ");
  if (schema["x-kubernetes-int-or-string"] === true) return "quantity";
  if (schema.type === "array") return `list of ${schema.items?.type ?? "values"}`;
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${schema.type ?? ""}, ${minimum} to ${maximum}`;
  return schema.type ?? "any";
}

/**
 * The default of a field as text. An object's default that only repeats its fields' own defaults is left out.
 */
function fallbackOf({ default: value, properties }: Schema): string {
  if (value === undefined || (properties !== undefined && JSON.stringify(value) === "{}")) return "";
  return `\`${JSON.stringify(value).replaceAll('"', properties === undefined ? "" : '"')}\``;
}

/** An object with this many fields that appears in several places is written out only once. */
const LONG = 6;

function rowsOf(path: string, schema: Schema, written = new Map<string, string>()): readonly Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const rules = (property["x-kubernetes-validations"] ?? []).map(({ message }) => `*${message}.*`);
    const says = escaped([property.description ?? "", ...rules].filter((one) => one !== "").join(". "));
    const row = { path: at, kind: kindOf(property), fallback: escaped(fallbackOf(property)), says };
    const parts = property.items?.properties === undefined ? property : property.items;
    const { properties = {} } = parts;
    const text = JSON.stringify(properties);
    const before = Object.keys(properties).length < LONG ? undefined : written.get(text);
    if (before !== undefined) return [{ ...row, says: `fields as those of \`${before}\`` }];
    written.set(text, at);
    return [row, ...rowsOf(at, parts, written)];
  });
}

const COLUMNS_MAX = 120;

/** `text` in lines of at most `COLUMNS_MAX`, as tidy wants Markdown. Lines after the first start with `indent`. */
function wrapped(text: string, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= COLUMNS_MAX) line = longer;
    else {
      lines.push(line);
      line = `${indent}${word}`;
    }
  }
  return [...lines, line];
}

const list = (texts: readonly string[]): string[] => texts.flatMap((text) => wrapped(`- ${text}.`, "  "));

const table = (rows: readonly Row[]): string[] => [
  "| field | what it takes | default | what it means |",
  "| --- | --- | --- | --- |",
  ...rows.map(({ path, kind, fallback, says }) => `| \`${path}\` | ${kind} | ${fallback} | ${says} |`),
];

/** The reference page, `docs/chat-cluster.md`. */
export function reference(): string {
  const spec = plain(SPEC);
  const rules = (spec["x-kubernetes-validations"] ?? []).map(({ message }) => message);
  const status = rowsOf("", plain(STATUS)).map(
    ({ path, kind, says }) => `| \`${path}\` | ${kind} | ${says} |`,
  );
  return [
    "# ChatCluster",
    "",
    ...wrapped(
      "`chat.jichat.io/v1alpha1`, short name `chat`. `make chart` makes this page from the schema in `operator/src/crd`. The API server checks all of it at `kubectl apply`. An empty spec works: three NATS servers, Redis and ClickHouse run for you. There are three samples in [chart/samples](../chart/samples).",
    ),
    "",
    "## spec",
    "",
    ...table(rowsOf("", spec)),
    "",
    "These rules hold across fields. Each is the message for a spec that breaks it:",
    "",
    ...list(rules),
    "",
    "## What a change does",
    "",
    ...wrapped(
      "`live`: no pod is replaced. `rolled`: pods are replaced, and the old ones drain. `refused`: the API server refuses the change and says what to do. If an older CRD lets it through, the operator changes nothing and says `SpecValid=False`, reason `ChangeRefused`.",
    ),
    "",
    "| field | a change is | how |",
    "| --- | --- | --- |",
    ...Object.entries(TRANSITIONS).map(
      ([path, { does, how }]) => `| \`${path}\` | ${does} | ${escaped(how)} |`,
    ),
    "",
    "These changes are refused. Each is the message for whoever tries:",
    "",
    ...list(Object.values(REFUSALS).map(({ message }) => message)),
    "",
    "## status",
    "",
    "| field | kind | what it means |",
    "| --- | --- | --- |",
    ...status,
    "",
  ].join("\n");
}

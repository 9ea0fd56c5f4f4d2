export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Fields without fields of their own: those that somebody changes. */
export function leavesOf(schema: Schema, path = ""): readonly string[] {
  const { properties = schema.items?.properties } = schema;
  const entries = Object.entries(properties ?? {});
  if (entries.length === 0) return [path];
  return entries.flatMap(([name, property]) => leavesOf(property, path === "" ? name : `${path}.${name}`));
}

import { UserError } from "@jichat/testkit/say.ts";

/** What a package of the workspace says of itself in its package.json. */
export interface WorkspaceManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly type: "module";
  /** Entries end in `.ts` if they are for the workspace alone. All others are published. */
  readonly exports: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly sideEffects?: boolean | readonly string[];
  /** Bundled into what is published. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Imported by what is published: an app brings its own. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** What people read of a package before they install it. */
const NEEDED = ["description", "keywords", "engines", "sideEffects"] as const;

interface Entry {
  /** The key of `exports`, such as `./msgpack`. */
  readonly path: string;
  /** The built file, without its ending: `msgpack`. */
  readonly name: string;
  /** The file that it is built from, relative to the package. */
  readonly source: string;
}

/** The entries that are published. Throws UserError if there are none. */
export function entriesOf({ name, exports }: Pick<WorkspaceManifest, "name" | "exports">): readonly Entry[] {
  const entries = Object.entries(exports)
    .filter(([path]) => !path.endsWith(".ts"))
    .map(([path, source]) => ({ path, name: path === "." ? "index" : path.replace(/^\.\//, ""), source }));
  if (entries.length === 0)
    throw new UserError(`the \`exports\` of ${name} have no entry to publish, such as "."`);
  return entries;
}

/**
 * The package.json that is published, made of the workspace's. `dependencies` are gone: they are bundled in.
 * Throws UserError, which names a field that the workspace's lacks.
 */
export function publishedManifest(workspace: WorkspaceManifest): Readonly<Record<string, unknown>> {
  const { name, version, description, keywords, license, type, engines, sideEffects } = workspace;
  const { peerDependencies, peerDependenciesMeta } = workspace;
  for (const field of NEEDED)
    if (workspace[field] === undefined)
      throw new UserError(`the package.json of ${name} has no \`${field}\`: who installs it reads that`);
  return {
    name,
    version,
    description,
    keywords,
    license,
    type,
    engines,
    sideEffects,
    files: ["dist", "CHANGELOG.md"],
    exports: {
      ...Object.fromEntries(
        entriesOf(workspace).map((entry) => [
          entry.path,
          { types: `./dist/${entry.name}.d.ts`, default: `./dist/${entry.name}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    // A scoped package is restricted otherwise.
    publishConfig: { access: "public" },
    ...(peerDependencies === undefined ? {} : { peerDependencies }),
    ...(peerDependenciesMeta === undefined ? {} : { peerDependenciesMeta }),
  };
}

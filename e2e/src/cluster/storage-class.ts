import { apply, kubectl, read } from "./kubectl.ts";

interface StorageClass {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

const DEFAULT = "storageclass.kubernetes.io/is-default-class";

/** Makes a default StorageClass whose volumes may be expanded, or may not. */
export async function makeClass(name: string, allowVolumeExpansion: boolean): Promise<void> {
  const { items } = await read<{ readonly items: readonly StorageClass[] }>(["get", "storageclass"]);
  const found = items.find(({ metadata }) => metadata.annotations?.[DEFAULT] === "true");
  if (found === undefined) throw new Error("the cluster has no default StorageClass");
  const { metadata: _, ...rest } = found;
  await apply({ ...rest, metadata: { name }, allowVolumeExpansion });
}

export const takeClass = async (name: string): Promise<string> =>
  kubectl(["delete", "storageclass", name, "--ignore-not-found"]);

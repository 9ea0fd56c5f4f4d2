import { join } from "node:path";
import { exec } from "@jichat/testkit/exec.ts";
import { UserError } from "@jichat/testkit/say.ts";

/** What npm says of a package that it has packed. Sizes are in bytes. */
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Packs a built package into a tarball in `out`, as `npm publish` would send it. */
export async function pack(folder: string, out: string): Promise<Packed & { readonly tarball: string }> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", out];
  const { code, stdout, stderr } = await exec("npm", args, { cwd: folder, env: process.env });
  if (code !== 0) throw new UserError(`npm could not pack ${folder}:\n${stderr.trim()}`);
  const [packed] = JSON.parse(stdout) as readonly Packed[];
  if (packed === undefined) throw new UserError(`npm packed nothing of ${folder}`);
  return { ...packed, tarball: join(out, packed.filename) };
}

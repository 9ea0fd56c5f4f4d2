import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { problemAffectsResolutionKind, problemKindInfo } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { UserError } from "@jichat/testkit/say.ts";

/**
 * How an app finds a package's types. Packages are ESM alone: `require` of Node 22 takes those too, and what
 * TypeScript did for Node 10 knows no `exports`.
 */
const RESOLUTIONS = ["node16-esm", "bundler"] as const;

/** Throws UserError, which names every finding of publint and of arethetypeswrong in a packed package. */
export async function checkTarball(tarball: string): Promise<void> {
  const packed = readFileSync(tarball);
  const findings = [...(await lint(packed)), ...(await types(packed))];
  if (findings.length > 0)
    throw new UserError(`${tarball} would not work as it is:\n  ${findings.join("\n  ")}`);
}

async function lint(packed: Buffer): Promise<readonly string[]> {
  const tarball = new Uint8Array(packed).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
}

async function types(packed: Buffer): Promise<readonly string[]> {
  const result = await checkPackage(createPackageFromTarballData(packed));
  if (result.types === false) return ["arethetypeswrong: the package has no types"];
  return result.problems
    .filter((problem) => RESOLUTIONS.some((kind) => problemAffectsResolutionKind(problem, kind, result)))
    .map((problem) => `arethetypeswrong: ${problemKindInfo[problem.kind].title}: ${JSON.stringify(problem)}`);
}

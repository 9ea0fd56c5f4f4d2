import { existsSync } from "node:fs";
import { exec, which } from "@jichat/testkit/exec.ts";
import { UserError, during } from "@jichat/testkit/say.ts";

const isThere = (program: string): boolean =>
  program.startsWith("/") ? existsSync(program) : which(program) !== undefined;

/**
 * Makes sure that programs exist, each named with its Debian package: on PATH (or at a full path), or
 * installed if that is allowed.
 */
export async function needDebian(programs: Readonly<Record<string, string>>, cure: string): Promise<void> {
  const missing = Object.keys(programs).filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => programs[program] ?? program);
  if (which("apt-get") === undefined || process.getuid?.() !== 0)
    throw new UserError(`${missing.join(" and ")} is missing: ${cure}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = async (): Promise<number> =>
    (await exec("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env })).code;
  await during(
    `installing ${packages.join(", ")} with apt-get (once)`,
    (async () => {
      if ((await install()) === 0) return;
      await exec("apt-get", ["update", "-qq"], { env });
      if ((await install()) !== 0)
        throw new UserError(`${packages.join(" and ")} could not be installed: ${cure}`);
    })(),
  );
}

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "@jichat/testkit/cache.ts";

const run = promisify(execFile);
const RUN_MS = 30_000;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a program says. Rejects with what it complained of, unless it ends with 0 within 30 s. */
export async function outputOf(folder: string, { program, args, env = {} }: Command): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: RUN_MS };
  return (await run(program, args, options)).stdout;
}

/** A project of somebody else: a folder outside the workspace, with tarballs installed. */
export class InstalledApp {
  readonly folder = mkdtempSync(join(tmpdir(), "jichat-app-"));

  /** `--offline`: a package that needs anything at run time is not installed. */
  async install(tarballs: readonly string[]): Promise<void> {
    this.write("package.json", JSON.stringify({ name: "app", private: true, type: "module" }));
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await this.run("npm", ["install", ...flags, ...tarballs]);
  }

  write(path: string, text: string): string {
    const file = join(this.folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Copies a program of `tools/test/apps`, and returns its path here. */
  copy(program: string): string {
    const file = join(this.folder, basename(program));
    copyFileSync(join(ROOT, "tools/test/apps", program), file);
    return file;
  }

  /** As `outputOf`, in this folder. */
  async run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return outputOf(this.folder, { program, args, env });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

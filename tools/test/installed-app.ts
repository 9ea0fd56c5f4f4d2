import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "@jichat/testkit/cache.ts";

const run = promisify(execFile);
const RUN_MS = 30_000;

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

  /** What a program says. Rejects with what it complained of, unless it ends with 0 within 30 s. */
  async run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const options = { cwd: this.folder, env: { ...process.env, ...env }, timeout: RUN_MS };
    return (await run(program, args, options)).stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

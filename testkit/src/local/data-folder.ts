import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError, say } from "../say.ts";

/** The layout version of a data folder. A folder with a newer version is refused. */
const DATA_VERSION = 1;

interface Running {
  readonly supervisor: number;
  readonly parts: readonly number[];
}

const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // The process is gone.
  }
};

/**
 * A supervisor's claim on a data folder. It also finds the parts that a killed supervisor left running, and
 * ends them.
 */
export class DataFolder {
  readonly #file: string;

  constructor(data: string) {
    mkdirSync(data, { recursive: true });
    this.#file = join(data, "running.json");
    checkVersion(data);
    this.#claim(data);
  }

  write(parts: readonly number[]): void {
    writeFileSync(this.#file, JSON.stringify({ supervisor: process.pid, parts } satisfies Running));
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  #claim(data: string): void {
    if (existsSync(this.#file)) {
      const { supervisor, parts } = JSON.parse(readFileSync(this.#file, "utf8")) as Running;
      if (supervisor !== process.pid && /tools\/src\/run\.ts/.test(commandLine(supervisor))) {
        throw new UserError(
          `another \`make run\` (process ${supervisor}) uses ${data}: stop it, or choose another folder with DATA=`,
        );
      }
      for (const pid of parts) {
        // Only processes that are surely ours: the command line of a part has its main or this folder.
        const line = commandLine(pid);
        if (!line.includes("/src/main.ts") && !line.includes(data)) continue;
        say(`ending process ${pid}, left by a run that was killed`);
        process.kill(pid, "SIGKILL");
      }
    }
    this.write([]);
  }
}

function checkVersion(data: string): void {
  const file = join(data, "version");
  if (!existsSync(file)) {
    writeFileSync(file, `${DATA_VERSION}\n`);
    return;
  }
  const found = Number(readFileSync(file, "utf8"));
  if (found === DATA_VERSION) return;
  const version = Number.isNaN(found) ? "unknown" : String(found);
  throw new UserError(
    `${data} has layout version ${version}, this JiChat knows ${DATA_VERSION}: use the JiChat that made it, or another folder with DATA=`,
  );
}

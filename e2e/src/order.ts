import { readFileSync } from "node:fs";
import type { DrainReport, ShedReport } from "@jichat/protocol/drain.ts";
import { readDrainReport, readShedReport } from "@jichat/protocol/drain.ts";
import { adminToken } from "@jichat/runtime/admin.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";

/** What an operator asks of connectors on their admin ports. */
export class Orders {
  readonly #authorization: string;

  constructor({ secrets }: Pick<Stack, "secrets">) {
    this.#authorization = `Bearer ${adminToken(readFileSync(secrets.clusterKeyFile, "utf8").trim())}`;
  }

  async drain(part: Part, order: object): Promise<DrainReport> {
    return readDrainReport(await this.#ask(part, "POST", "/drain", order));
  }

  async undrain(part: Part): Promise<DrainReport> {
    return readDrainReport(await this.#ask(part, "DELETE", "/drain"));
  }

  async drainOf(part: Part): Promise<DrainReport> {
    return readDrainReport(await this.#ask(part, "GET", "/drain"));
  }

  async shed(part: Part, order: object): Promise<ShedReport> {
    return readShedReport(await this.#ask(part, "POST", "/shed", order));
  }

  async shedOf(part: Part): Promise<ShedReport> {
    return readShedReport(await this.#ask(part, "GET", "/shed"));
  }

  async #ask(part: Part, method: string, path: string, body?: object): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${part.spec.adminPort}${path}`, {
      method,
      headers: { authorization: this.#authorization },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text;
  }
}

/** Whether this connector's `/readyz` says that it is ready. */
export const isReady = async ({ spec }: Part): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${spec.adminPort}/readyz`)).ok;

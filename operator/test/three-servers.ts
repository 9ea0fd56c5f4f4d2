import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import type { Keys, User } from "../src/desired/keys.ts";
import { credentialOf } from "../src/desired/keys.ts";
import { natsConfig } from "../src/desired/nats.ts";
import type { DesiredInput } from "../src/desired/desired-input.ts";
import type { Door } from "../src/door.ts";

const SERVERS = 3;
const STARTED_WITHIN_MS = 20_000;
const STOPPED_WITHIN_MS = 30_000;

interface Ports {
  readonly clients: readonly number[];
  readonly routes: readonly number[];
  readonly monitors: readonly number[];
}

/** Three managed nats-servers on this machine: with the operator's configuration, users and names. */
export class ThreeServers {
  readonly folder: string;
  readonly parts: readonly Part[];
  readonly #ports: Ports;

  private constructor(folder: string, ports: Ports, parts: readonly Part[]) {
    this.folder = folder;
    this.#ports = ports;
    this.parts = parts;
  }

  /** Starts them with the configuration of `input`. */
  static async start(input: DesiredInput): Promise<ThreeServers> {
    const folder = mkdtempSync(join(tmpdir(), "jichat-three-"));
    const all = await freePorts(3 * SERVERS);
    const of = (from: number): readonly number[] => all.slice(from * SERVERS, (from + 1) * SERVERS);
    const ports = { clients: of(0), routes: of(1), monitors: of(2) };
    const { path: program, env } = await needNats();
    const parts = ports.clients.map((port, at) => {
      const name = `chat-nats-${at}`;
      const args = ["-c", join(folder, `${at}.conf`)];
      const logFile = join(folder, `${name}.log`);
      return new Part({ name, program, env: { ...env, POD_NAME: name }, args, port, logFile });
    });
    const servers = new ThreeServers(folder, ports, parts);
    for (const at of parts.keys()) servers.configure(input, at);
    for (const part of parts) part.start();
    await Promise.all(parts.map((part) => part.ready(STARTED_WITHIN_MS)));
    return servers;
  }

  /** Writes one server's configuration: the one in its Secret, but with ports and folders of this machine. */
  configure(input: DesiredInput, at: number): void {
    const { clients, routes, monitors } = this.#ports;
    const urls = routes.map((port) => `nats://127.0.0.1:${port}`).join(", ");
    const config = natsConfig(input)
      .replace("port: 4222", `host: 127.0.0.1\nport: ${clients[at]}`)
      .replace("http_port: 8222", `http_port: ${monitors[at]}`)
      .replace("port: 6222", `port: ${routes[at]}`)
      .replace(/routes: \[.*\]/, `routes: [${urls}]`)
      .replace('store_dir: "/data"', `store_dir: ${JSON.stringify(join(this.folder, String(at)))}`);
    writeFileSync(join(this.folder, `${at}.conf`), config);
  }

  /** The address of all servers, or of one. */
  url(keys: Keys, as: User, at?: number): string {
    const { user, password } = credentialOf(keys, "nats", as);
    const { clients } = this.#ports;
    const hosts = (at === undefined ? clients : [clients[at]]).map((port) => `127.0.0.1:${port}`);
    return `nats://${user}:${password}@${hosts.join(",")}`;
  }

  door(keys: Keys, as: User, at?: number): Door {
    return { url: this.url(keys, as, at), tls: undefined };
  }

  /** What the readiness probe of its pod asks. */
  async isReady(at: number): Promise<boolean> {
    try {
      const url = `http://127.0.0.1:${this.#ports.monitors[at]}/healthz?js-enabled-only=true`;
      return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
    } catch {
      return false; // It does not listen.
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.stop(STOPPED_WITHIN_MS)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

import { randomBytes } from "node:crypto";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Logger } from "pino";
import type { Script } from "./named-script.ts";
import { NAME_SCRIPTS } from "./named-script.ts";
import type { RedisConnection } from "./redis.ts";

/** How often a process checks that Redis's data is still there, even if it has no other commands. */
const LOOK_MS = 1_000;

/** How this process knows the server that it is connected to. */
type Acquaintance = "new" | "restarted" | "known";

/**
 * The name of the data in Redis. It is stored under a key of ours, and every key carries it. A process that
 * finds no name, since the data is gone, makes a new one. A process that finds another name than it knew
 * treats the old data as lost. Every script checks the name, so all that a script reads belongs to one name.
 */
export class RedisData {
  readonly #redis: RedisConnection;
  readonly #names: Names;
  readonly #log: Logger;
  readonly #acts = new Set<() => void>();
  /** The run_id of the last server that we were connected to. */
  #run = "";
  #name = "";
  #learning: Promise<void> | undefined;
  #gaveUpAt = -Infinity;

  constructor(redis: RedisConnection, names: Names, log: Logger) {
    this.#redis = redis;
    this.#names = names;
    this.#log = log;
    redis.on("close", () => {
      this.#name = "";
    });
    redis.on("ready", () => void this.#learn());
    const looking = setInterval(() => void this.#look(), LOOK_MS).unref();
    redis.once("end", () => {
      clearInterval(looking);
    });
    if (redis.status === "ready") void this.#learn();
  }

  /** Empty while it is unknown. */
  get name(): string {
    return this.#name;
  }

  /** Prefix of every key of the data. Throws while the name is unknown. */
  get prefix(): string {
    if (this.#name === "") throw new Error("Redis is not connected, or its data is lost");
    return this.#names.redis(this.#name);
  }

  /** Calls `act` each time Redis is connected or its data is new. Calls at once if the name is known. */
  onMet(act: () => void): void {
    this.#acts.add(act);
    if (this.#name !== "") act();
  }

  /** Runs a script. Rejects without any change if the data has another name by now. */
  async script({ sha, lua }: Script, args: readonly (string | number)[]): Promise<unknown> {
    const { prefix } = this;
    const name = this.#name;
    const key = this.#keyOf(this.#run);
    try {
      return await this.#redis.evalsha(sha, 1, key, prefix, ...args).catch(async (error: unknown) => {
        if (!isReply(error, "NOSCRIPT")) throw error;
        return this.#redis.eval(lua, 1, key, prefix, ...args);
      });
    } catch (error) {
      if (isReply(error, "LOST")) this.#lost(name);
      throw error;
    }
  }

  /**
   * Renames the data, so that all in Redis counts as lost: it lacks changes that nobody remembers. Does
   * nothing if this process has done so since `lostAt` (milliseconds, monotonic).
   */
  async giveUp(lostAt: number): Promise<void> {
    if (this.#gaveUpAt >= lostAt) return;
    const began = performance.now();
    const name = this.#name;
    await this.script(NAME_SCRIPTS.rename, [newName()]);
    this.#gaveUpAt = began;
    this.#lost(name);
  }

  /**
   * The key of the name. It carries the server's run_id: a restarted server may load data from before, which
   * must not count.
   */
  #keyOf(run: string): string {
    return `${this.#names.redis(run)}name`;
  }

  async #look(): Promise<void> {
    const name = this.#name;
    if (name === "") return;
    try {
      if ((await this.#redis.get(this.#keyOf(this.#run))) !== name) this.#lost(name);
    } catch (error) {
      this.#log.debug(
        { err: error },
        "the name of the data in Redis cannot be read: other requests to Redis fail too",
      );
    }
  }

  #lost(name: string): void {
    if (this.#name !== name) return;
    this.#log.warn({ name }, "the data in Redis is lost: all of it is written again");
    this.#name = "";
    void this.#learn();
  }

  async #learn(): Promise<void> {
    this.#learning ??= this.#askName().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  async #askName(): Promise<void> {
    try {
      const run = /run_id:(\w+)/.exec(await this.#redis.info("server"))?.[1] ?? "";
      const acquaintance: Acquaintance = this.#run === "" ? "new" : this.#run === run ? "known" : "restarted";
      const args = [this.#names.redis(run), acquaintance, run, newName()];
      this.#name = String(await this.#redis.eval(NAME_SCRIPTS.name.lua, 1, this.#keyOf(run), ...args));
      this.#run = run;
      this.#log.info({ run, name: this.#name }, "Redis is ready");
      for (const act of this.#acts) act();
    } catch (error) {
      this.#log.warn({ err: error }, "the name of the data in Redis cannot be read: reconnecting");
      this.#redis.disconnect(true);
    }
  }
}

const newName = (): string => randomBytes(20).toString("hex");

const isReply = (error: unknown, code: string): boolean =>
  error instanceof Error && error.message.startsWith(code);

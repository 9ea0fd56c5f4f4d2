import { randomBytes } from "node:crypto";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Logger } from "pino";
import type { Script } from "./named-script.ts";
import { NAME_SCRIPTS } from "./named-script.ts";
import type { RedisConnection } from "./redis.ts";

/** How often a process that asks nothing of Redis looks whether its data is still there. */
const LOOK_MS = 1_000;

/** How this process knows the server that it is connected to. */
type Acquaintance = "new" | "restarted" | "known";

/**
 * Redis's data has a name, under a key of our own, and every key carries it. Whoever finds no name, since all
 * is gone, makes one; whoever meets another than they knew takes what they knew for lost. Scripts look for it
 * themselves: what one reads is of one name.
 */
export class RedisData {
  readonly #redis: RedisConnection;
  readonly #names: Names;
  readonly #log: Logger;
  readonly #acts = new Set<() => void>();
  /** Of the server that we were connected to last. */
  #run = "";
  #name = "";
  #since = 0;
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

  /** Empty while it is not known. */
  get name(): string {
    return this.#name;
  }

  /** Milliseconds on the monotonic clock since when this name is known; 0 before the first. */
  get since(): number {
    return this.#since;
  }

  /** What every key of it begins with. */
  get prefix(): string {
    if (this.#name === "") throw new Error("Redis is not connected, or its data is lost");
    return this.#names.redis(this.#name);
  }

  /** Calls back each time Redis is met anew, or its data is. */
  onMet(act: () => void): void {
    this.#acts.add(act);
    if (this.#name !== "") act();
  }

  /** Rejects, and does nothing, where the data has another name by now. */
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
   * Takes the name from what is in Redis: nobody knows what it lacks. Nothing to do if this process has done
   * so since `lostAt`, on the monotonic clock.
   */
  async giveUp(lostAt: number): Promise<void> {
    if (this.#gaveUpAt >= lostAt) return;
    const began = performance.now();
    const name = this.#name;
    await this.script(NAME_SCRIPTS.rename, [newName()]);
    this.#gaveUpAt = began;
    this.#lost(name);
  }

  /** A server that was started again may have data of before: it is of another run, and under no name. */
  #keyOf(run: string): string {
    return `${this.#names.redis(run)}name`;
  }

  async #look(): Promise<void> {
    const name = this.#name;
    if (name === "") return;
    try {
      if ((await this.#redis.get(this.#keyOf(this.#run))) !== name) this.#lost(name);
    } catch (error) {
      this.#log.debug({ err: error }, "Redis's data could not be looked for; what is asked of it fails too");
    }
  }

  #lost(name: string): void {
    if (this.#name !== name) return;
    this.#log.warn({ name }, "the data that was in Redis is gone: all of it is told anew");
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
      this.#since = performance.now();
      this.#log.info({ run, name: this.#name }, "Redis is ready");
      for (const act of this.#acts) act();
    } catch (error) {
      this.#log.warn({ err: error }, "Redis did not tell what its data is called; reconnecting");
      this.#redis.disconnect(true);
    }
  }
}

const newName = (): string => randomBytes(20).toString("hex");

const isReply = (error: unknown, code: string): boolean =>
  error instanceof Error && error.message.startsWith(code);

import { readFileSync } from "node:fs";
import { readNatsUrl } from "./nats-url.ts";

interface Bounds {
  readonly default?: number;
  readonly min: number;
  readonly max: number;
}

/** Reads environment keys. It collects all faults and throws them as one error in `finish`. */
export class EnvReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly #faults: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  #get(key: string): string | undefined {
    const value = this.#env[key];
    return value === "" ? undefined : value;
  }

  #missing(key: string): string {
    this.#faults.push(`${key} is required`);
    return "";
  }

  text(key: string, options: { readonly default?: string } = {}): string {
    return this.#get(key) ?? options.default ?? this.#missing(key);
  }

  optional(key: string): string | undefined {
    return this.#get(key);
  }

  /** A pod's name. The last 24 characters are kept; they tell pods apart. */
  instance(key: string, fallback: string): string {
    const value = this.text(key, { default: fallback });
    if (!/^[a-z0-9_.-]{1,253}$/i.test(value))
      this.#faults.push(`${key} is not 1 to 253 of [A-Za-z0-9_.-]: ${value}`);
    return value.slice(-24).replaceAll(".", "-").replace(/^-+/, "");
  }

  /** 1 to 32 letters, digits, `_` and `-`: safe in subjects, keys and database names. */
  token(key: string, options: { readonly default?: string } = {}): string {
    const value = this.text(key, options);
    if (value !== "" && !/^[a-z0-9_-]{1,32}$/i.test(value))
      this.#faults.push(`${key} is not 1 to 32 of [A-Za-z0-9_-]: ${value}`);
    return value;
  }

  /** A URL that may carry a password: from the file that KEY_FILE names, or from KEY. Never logged. */
  secretUrl(key: string, fallback?: string): string {
    const value = this.optionalSecret(key) ?? fallback ?? this.#missing(`${key} or ${key}_FILE`);
    if (value !== "" && !URL.canParse(value)) this.#faults.push(`${key} is not a URL`);
    return value;
  }

  /** Like `secretUrl`, for one nats-server or several of one cluster. */
  natsUrl(key: string, fallback: string): string {
    const value = this.optionalSecret(key) ?? fallback;
    try {
      readNatsUrl(value);
    } catch (cause) {
      this.#faults.push(`${key}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    return value;
  }

  int(key: string, { default: fallback, min, max }: Bounds): number {
    const text = this.#get(key);
    if (text === undefined) {
      if (fallback === undefined) this.#missing(key);
      return fallback ?? min;
    }
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      this.#faults.push(`${key} is not an integer from ${min} to ${max}: ${text}`);
    }
    return value;
  }

  ratio(key: string, fallback: number): number {
    const text = this.#get(key);
    const value = text === undefined ? fallback : Number(text);
    if (!(value >= 0 && value <= 1)) this.#faults.push(`${key} is not a number from 0 to 1: ${text}`);
    return value;
  }

  oneOf<const T extends string>(key: string, allowed: readonly T[], fallback: T): T {
    const text = this.#get(key) ?? fallback;
    const found = allowed.find((value) => value === text);
    if (found === undefined) this.#faults.push(`${key} is not one of ${allowed.join(", ")}: ${text}`);
    return found ?? fallback;
  }

  list(key: string, fallback = ""): readonly string[] {
    return (this.#get(key) ?? fallback)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  /** A secret: from the file that KEY_FILE names, or from KEY. Never logged. */
  secret(key: string): string {
    return this.optionalSecret(key) ?? this.#missing(`${key} or ${key}_FILE`);
  }

  /** Like `secret`, but may be absent. */
  optionalSecret(key: string): string | undefined {
    const file = this.#get(`${key}_FILE`);
    try {
      return file === undefined ? this.#get(key) : readFileSync(file, "utf8").trim();
    } catch (cause) {
      this.#faults.push(
        `${key}_FILE cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
      return "";
    }
  }

  /** The file that a secret comes from, if it comes from a file. */
  fileOf(key: string): string | undefined {
    return this.#get(`${key}_FILE`);
  }

  /** Adds a fault that the caller found. */
  refuse(fault: string): void {
    this.#faults.push(fault);
  }

  /** Throws one error that names every bad key; does nothing if all are good. */
  finish(): void {
    if (this.#faults.length > 0) throw new Error(`configuration: ${this.#faults.join("; ")}`);
  }
}

import type { Clock } from "@jichat/protocol/clock.ts";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";

/** From one token of the application's to the next at least so long, whoever wants them. */
export const TOKEN_FLOOR_MS = 10_000;
const ANSWER_MS = 30_000;
const LENGTH_MAX = 8_192;
/** A reason of ours: without it each question would make an exception and its stack. */
const OVER = new Error("answered, or wanted no more");
const CONTROL = /\p{Cc}/u;

export interface Given {
  readonly token: string;
  /** It was asked for just now: who is refused with it is refused for good. */
  readonly isFresh: boolean;
}

/** The application's tokens: one question at a time, however many wait for its answer. */
export class TokenSource {
  readonly #ask: () => Promise<string>;
  readonly #clock: Clock;
  #asking: Promise<string> | undefined;
  /** Ends the waits of the question there is. */
  #waits = new AbortController();
  #stopped = false;
  #latest: { readonly token: string; readonly at: number } | undefined;
  /** What the server takes now: the session's. */
  #used: string | undefined;
  #ended: { readonly token: string; readonly closeCode: number } | undefined;

  constructor(ask: () => Promise<string>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  get used(): string | undefined {
    return this.#used;
  }

  /** For a hello: the latest one while it is young. Throws where the application gives one that has ended. */
  async forHello(): Promise<Given> {
    const latest = this.#latest;
    if (latest !== undefined && !this.#hasEnded(latest.token) && this.#youngForMs() > 0)
      return { token: latest.token, isFresh: false };
    const token = await this.fresh();
    if (!this.#hasEnded(token)) return { token, isFresh: true };
    const { closeCode = CLOSE.expired } = this.#ended ?? {};
    throw Object.assign(givenAgain(closeCode), { closeCode });
  }

  /**
   * Asks the application, or waits with those who have. Rejects with UNAVAILABLE where it gives none within
   * 30 s, with INVALID where what it gives is no token, and with UNAVAILABLE once this is stopped.
   */
  async fresh(): Promise<string> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The server has taken it. */
  use(token: string): void {
    this.#used = token;
  }

  /** The server takes it no longer. */
  end(token: string | undefined, closeCode: number): void {
    if (token === undefined) return;
    this.#ended = { token, closeCode };
    if (this.#used === token) this.#used = undefined;
  }

  /** Nobody wants one any more. */
  stop(): void {
    this.#stopped = true;
    this.#waits.abort(OVER);
  }

  #hasEnded(token: string): boolean {
    return this.#ended?.token === token;
  }

  #youngForMs(): number {
    return this.#latest === undefined
      ? 0
      : Math.max(0, this.#latest.at + TOKEN_FLOOR_MS - this.#clock.monotonic());
  }

  async #askOnce(): Promise<string> {
    if (this.#stopped) throw new ChatError("UNAVAILABLE", "this client is closed");
    const waits = new AbortController();
    this.#waits = waits;
    try {
      const waitMs = this.#youngForMs();
      if (waitMs > 0) await this.#clock.sleep(waitMs, waits.signal);
      const token = readToken(await this.#answer(waits.signal));
      this.#latest = { token, at: this.#clock.monotonic() };
      return token;
    } finally {
      waits.abort(OVER);
    }
  }

  async #answer(signal: AbortSignal): Promise<unknown> {
    try {
      return await Promise.race([
        this.#ask(),
        this.#clock.sleep(ANSWER_MS, signal).then(() => {
          throw new Error(`no answer within ${ANSWER_MS / 1_000} s`);
        }),
      ]);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ChatError("UNAVAILABLE", `the application gave no token: ${why}`, { cause });
    }
  }
}

/** The server would refuse anything else as well, or drop the connection for its size, again and again. */
function readToken(given: unknown): string {
  const isToken =
    typeof given === "string" && given !== "" && given.length <= LENGTH_MAX && !CONTROL.test(given);
  if (isToken) return given;
  const what =
    typeof given !== "string"
      ? `${given === null ? "null" : typeof given}, not text`
      : given === ""
        ? "empty text"
        : `text of ${given.length} characters, or with control characters: a token has 1 to ${LENGTH_MAX}`;
  throw new ChatError("INVALID", `\`token()\` gave ${what}`);
}

const givenAgain = (closeCode: number): ChatError =>
  closeCode === CLOSE.expired
    ? new ChatError(
        "TOKEN_EXPIRED",
        "the token has expired, and the application gave it again: sign in again",
      )
    : new ChatError("UNAUTHENTICATED", "the token is void, and the application gave it again: sign in again");

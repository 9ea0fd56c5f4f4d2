import type { Clock } from "@jichat/protocol/clock.ts";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import { CONTROL } from "@jichat/protocol/frame/fields.ts";
import { messageOf } from "./message-of.ts";

/** The least time between two questions to the application for a token, whoever asks. */
export const TOKEN_FLOOR_MS = 10_000;
const ANSWER_MS = 30_000;
const LENGTH_MAX = 8_192;
/** One shared abort reason. Without it, each question would create an exception with a stack. */
const OVER = new Error("answered, or wanted no more");

export interface Given {
  readonly token: string;
  /** The token was asked for just now. If it is refused, no other token can help. */
  readonly isFresh: boolean;
}

/** The application's tokens. Only one question runs at a time, and all callers share its answer. */
export class TokenSource {
  readonly #ask: () => Promise<string>;
  readonly #clock: Clock;
  #asking: Promise<string> | undefined;
  /** Ends the waits of the running question. */
  #waits = new AbortController();
  #stopped = false;
  #latest: { readonly token: string; readonly at: number } | undefined;
  /** The token of the present session, which the server accepts. */
  #used: string | undefined;
  #ended: { readonly token: string; readonly closeCode: number } | undefined;

  constructor(ask: () => Promise<string>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  get used(): string | undefined {
    return this.#used;
  }

  /**
   * The token for a hello: the latest one while it is young. Throws if the application gives a token that has
   * ended.
   */
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
   * Asks the application, or shares the running question. Rejects with UNAVAILABLE if it gives no token
   * within 30 s, or once this source is stopped; with INVALID if its answer is not a token.
   */
  async fresh(): Promise<string> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The server has accepted this token. */
  use(token: string): void {
    this.#used = token;
  }

  /** The server does not accept this token any more. */
  end(token: string | undefined, closeCode: number): void {
    if (token === undefined) return;
    this.#ended = { token, closeCode };
    if (this.#used === token) this.#used = undefined;
  }

  /** Ends the running question, and refuses every later one. */
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
      const why = messageOf(cause);
      throw new ChatError("UNAVAILABLE", `the application returned no token: ${why}`, { cause });
    }
  }
}

/** The server would refuse anything else too, or drop the connection for its size, again and again. */
function readToken(given: unknown): string {
  const isToken =
    typeof given === "string" && given !== "" && given.length <= LENGTH_MAX && !CONTROL.test(given);
  if (isToken) return given;
  const what =
    typeof given !== "string"
      ? `${given === null ? "null" : typeof given}, not text`
      : `text of ${given.length} characters, not 1 to ${LENGTH_MAX}, or with control characters`;
  throw new ChatError("INVALID", `\`token()\` returned ${what}`);
}

const givenAgain = (closeCode: number): ChatError =>
  closeCode === CLOSE.expired
    ? new ChatError(
        "TOKEN_EXPIRED",
        "the token has expired, and the application returned it again: sign in again",
      )
    : new ChatError(
        "UNAUTHENTICATED",
        "the token is not valid, and the application returned it again: sign in again",
      );

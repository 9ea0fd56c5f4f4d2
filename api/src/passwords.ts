import { hashPassword, matchesPassword } from "@jichat/identity/accounts.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

const AT_ONCE = 2;
const WAITING_MAX = 100;

/**
 * Runs scrypt, which costs 32 MB and 100 ms by design. Few run at once, and the queue is bounded, so that
 * sign-ins cannot starve other work. Throws BUSY if the queue is full.
 */
export class Passwords {
  readonly #scrypt: { readonly hash: typeof hashPassword; readonly matches: typeof matchesPassword };
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(scrypt = { hash: hashPassword, matches: matchesPassword }) {
    this.#scrypt = scrypt;
  }

  async hash(password: string): Promise<string> {
    return this.#turn(() => this.#scrypt.hash(password));
  }

  /** Takes equally long if there is no such user. Otherwise the time would reveal who exists. */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    return this.#turn(async () => {
      if (stored !== undefined) return this.#scrypt.matches(password, stored);
      await this.#scrypt.hash(password);
      return false;
    });
  }

  async #turn<T>(act: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING_MAX)
        throw new ChatError("BUSY", "too many sign-ins wait at the moment: try again later", {
          retryAfterMs: 2_000,
        });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    try {
      return await act();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

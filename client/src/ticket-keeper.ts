import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { chatErrorOf } from "./chat-error-of.ts";
import type { Ticket } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { TOKEN_FLOOR_MS } from "./token-source.ts";
import type { TokenSource } from "./token-source.ts";

/**
 * The server sends fresh tickets by itself. When this share of a ticket's life has passed without one, its
 * token is about to expire.
 */
const RENEW_RATIO = 0.9;

export interface KeeperParts {
  readonly clock: Clock;
  readonly tokens: TokenSource;
  /** The server's time of day, which decides when tickets expire. */
  readonly serverNow: () => number;
  /** Shows the server a new token. Resolves with undefined while there is no session. */
  readonly renew: (token: string) => Promise<Pick<Ticket, "ticket" | "ticketExpiresAt"> | undefined>;
  readonly onTrouble: (error: ChatError) => void;
}

/**
 * The ticket that the next session begins with. Asks for a new token before the present session's token
 * expires.
 */
export class TicketKeeper {
  readonly #parts: KeeperParts;
  readonly #renewing: Alarm;
  #held: { readonly ticket: string; readonly endsAt: number } | undefined;
  /** The token of which the application was told that it had given it again: it is told once. */
  #toldOf: string | undefined;
  #stopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#renewing = new Alarm(parts.clock);
  }

  /** Undefined once the ticket has expired. */
  get ticket(): string | undefined {
    return this.#leftMs() > 0 ? this.#held?.ticket : undefined;
  }

  keep({ ticket, ticketExpiresAt }: Pick<Ticket, "ticket" | "ticketExpiresAt">): void {
    const { clock, serverNow } = this.#parts;
    this.#held = { ticket, endsAt: clock.monotonic() + ticketExpiresAt - serverNow() };
    this.#schedule();
  }

  /** Takes another ticket with the same lifetime. */
  replace(ticket: string): void {
    if (this.#held !== undefined) this.#held = { ...this.#held, ticket };
  }

  drop(): void {
    this.#held = undefined;
    this.#renewing.clear();
  }

  stop(): void {
    this.#stopped = true;
    this.#renewing.clear();
  }

  #leftMs(): number {
    return this.#held === undefined ? 0 : this.#held.endsAt - this.#parts.clock.monotonic();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#renewing.set(Math.max(TOKEN_FLOOR_MS, RENEW_RATIO * this.#leftMs()), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { tokens, renew, onTrouble } = this.#parts;
    try {
      const token = await tokens.fresh();
      if (token === tokens.used) this.#tell(token);
      else {
        const reply = await renew(token);
        if (reply !== undefined) {
          tokens.use(token);
          this.keep(reply);
          return;
        }
      }
    } catch (error) {
      if (!this.#stopped) onTrouble(chatErrorOf(error));
    }
    // After that the session ends by itself, and the next connection asks for a token again.
    if (this.#leftMs() > 0) this.#schedule();
  }

  #tell(token: string): void {
    if (this.#toldOf === token || this.#stopped) return;
    this.#toldOf = token;
    this.#parts.onTrouble(
      new ChatError("TOKEN_EXPIRED", "the token expires soon, and the application returned it again"),
    );
  }
}

import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Ticket, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { TicketKeeper } from "./ticket-keeper.ts";
import type { KeeperParts } from "./ticket-keeper.ts";
import { TokenSource } from "./token-source.ts";
import type { Given } from "./token-source.ts";

/** The proof of identity in a hello. */
export type Proof = { readonly ticket: string } | Given;

export interface CredentialParts extends Pick<KeeperParts, "serverNow" | "renew"> {
  readonly clock: Clock;
  readonly token: () => Promise<string>;
  readonly onTrouble: (error: ChatError) => void;
}

/** Close codes for a session whose token or ticket is not valid any more. */
export const isOfToken = (code: number | undefined): code is number =>
  code === CLOSE.unauthenticated || code === CLOSE.expired;

/** The ticket of the last session, and the application's tokens for when the ticket is not enough. */
export class Credentials {
  readonly #tokens: TokenSource;
  readonly #tickets: TicketKeeper;

  constructor({ token, ...parts }: CredentialParts) {
    this.#tokens = new TokenSource(token, parts.clock);
    this.#tickets = new TicketKeeper({ ...parts, tokens: this.#tokens });
  }

  async next(): Promise<Proof> {
    const { ticket } = this.#tickets;
    return ticket === undefined ? this.#tokens.forHello() : { ticket };
  }

  welcomed(proof: Proof, welcome: Welcome): void {
    if ("token" in proof) this.#tokens.use(proof.token);
    this.#tickets.keep(welcome);
  }

  /** Returns false if there is nothing else to try: the refused token was a fresh one. */
  refused(proof: Proof, closeCode: number): boolean {
    if ("ticket" in proof) this.#tickets.drop();
    else if (proof.isFresh) return false;
    else this.#tokens.end(proof.token, closeCode);
    return true;
  }

  /** The server ended the session, because its token has expired or was revoked. */
  ended(closeCode: number): void {
    this.#tickets.drop();
    this.#tokens.end(this.#tokens.used, closeCode);
  }

  keep(ticket: Ticket): void {
    this.#tickets.keep(ticket);
  }

  replace(ticket: string): void {
    this.#tickets.replace(ticket);
  }

  stop(): void {
    this.#tickets.stop();
    this.#tokens.stop();
  }
}

import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Ticket, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { TicketKeeper } from "./ticket-keeper.ts";
import type { KeeperParts } from "./ticket-keeper.ts";
import { TokenSource } from "./token-source.ts";
import type { Given } from "./token-source.ts";

/** What a hello is said with. */
export type Proof = { readonly ticket: string } | Given;

export interface CredentialParts extends Pick<KeeperParts, "serverNow" | "renew"> {
  readonly clock: Clock;
  readonly token: () => Promise<string>;
  readonly onTrouble: (error: ChatError) => void;
}

/** Close codes of who has no valid token or ticket any more. */
export const isOfToken = (code: number | undefined): code is number =>
  code === CLOSE.unauthenticated || code === CLOSE.expired;

/** The ticket that a session left, and the application's tokens for where it does not do. */
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

  /** False when there is nothing else to try: a token that was asked for just now was refused. */
  refused(proof: Proof, closeCode: number): boolean {
    if ("ticket" in proof) this.#tickets.drop();
    else if (proof.isFresh) return false;
    else this.#tokens.end(proof.token, closeCode);
    return true;
  }

  /** The server ended the session: its token has expired, or was revoked. */
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

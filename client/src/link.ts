import { ChatError, asChatError, isRetryable, mayResume } from "@jichat/protocol/errors.ts";
import type { GoAway, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Backoff } from "./backoff.ts";
import { Closed, Connection } from "./connection.ts";
import type { FirstSync } from "./connection.ts";
import type { Encoding } from "./encoding.ts";
import type { ChatOptions, ConnectionState } from "./types.ts";

export interface LinkEvents {
  /** What a new connection asks first, right behind its hello. */
  readonly firstSync: () => FirstSync["asked"];
  readonly onOnline: (connection: Connection) => void;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onState: (state: ConnectionState, error?: ChatError) => void;
}

/**
 * Ask for a new token when this much of a ticket's life is over and the server sent no fresh one: the token
 * is ending.
 */
const RENEW_RATIO = 0.9;
/** At most this long before the next connector is tried, when one could not be reached. */
const OTHER_MS = 50;
const TIMER_MAX_MS = 2_147_483_647;

/**
 * Keeps one welcomed connection up: resumes with the ticket, backs off with jitter, moves before it breaks
 * on `goaway`.
 */
export class Link {
  readonly #options: ChatOptions;
  readonly #encoding: Encoding;
  readonly #events: LinkEvents;
  readonly #backoff: Backoff;
  #current: Connection | undefined;
  #ticket: { ticket: string; expiresAt: number } | undefined;
  #renewing: ReturnType<typeof setTimeout> | undefined;
  #retrying: ReturnType<typeof setTimeout> | undefined;
  #next = 0;
  /** Connectors tried since one was reached: only when all have failed is it time to back off. */
  #dialled = 0;
  #closed = false;
  #opening = false;

  constructor(options: ChatOptions, encoding: Encoding, events: LinkEvents) {
    this.#options = options;
    this.#encoding = encoding;
    this.#events = events;
    this.#backoff = new Backoff(options.random);
    this.#next = Math.floor((options.random ?? Math.random)() * options.urls.length);
  }

  get connection(): Connection | undefined {
    return this.#current;
  }

  start(): void {
    this.#events.onState("connecting");
    void this.#open();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#renewing);
    clearTimeout(this.#retrying);
    this.#current?.close();
    this.#current = undefined;
    this.#events.onState("closed");
  }

  /** Opens a connection and puts it in the place of the one there is. One at a time. */
  async #open(): Promise<void> {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    const usedTicket = this.#ticket !== undefined;
    try {
      const connection = await this.#dial();
      this.#opening = false;
      if (this.#closed) connection.close();
      else this.#adopt(connection);
    } catch (thrown) {
      this.#opening = false;
      this.#failed(thrown, usedTicket);
    }
  }

  async #dial(): Promise<Connection> {
    const { urls, device, client, echo } = this.#options;
    const url = urls[this.#next % urls.length];
    this.#next += 1;
    this.#dialled += 1;
    if (url === undefined) throw new ChatError("FRAME_MALFORMED", "no url of a connector was given");
    if (this.#ticket !== undefined && this.#ticket.expiresAt <= Date.now()) this.#ticket = undefined;
    const proof =
      this.#ticket === undefined ? { token: await this.#options.token() } : { ticket: this.#ticket.ticket };
    const hello = { device, client, echo, ...proof };
    return Connection.open(url, this.#encoding, hello, this.#events.firstSync());
  }

  #adopt(connection: Connection): void {
    const old = this.#current;
    this.#current = connection;
    clearTimeout(this.#retrying);
    old?.close();
    this.#backoff.reset();
    this.#dialled = 0;
    this.#keepTicket(connection.welcome);
    // First what waits, then who is told that we are back: nothing new may go before it.
    this.#events.onOnline(connection);
    this.#events.onState("online");
    connection.listen({
      onFrame: (frame) => {
        if (this.#current !== connection) return;
        if (frame.t === "goaway") this.#goAway(frame);
        else if (frame.t === "ticket") this.#keepTicket(frame);
        else this.#events.onFrame(frame);
      },
      onClose: (code, reason) => {
        this.#lost(connection, code, reason);
      },
    });
  }

  /** The old socket works until the new one is there; its 4409 is of our own making. */
  #goAway({ reconnectAfterMs, ticket }: GoAway): void {
    if (this.#ticket !== undefined) this.#ticket = { ...this.#ticket, ticket };
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(() => void this.#open(), reconnectAfterMs);
  }

  #lost(connection: Connection, code: number, reason: string): void {
    if (this.#current !== connection || this.#closed) return;
    this.#current = undefined;
    this.#events.onState("offline");
    // A new socket is on its way already: a 4409 here is of its making, and its own end decides what comes
    // next.
    if (!this.#opening) this.#failed(new Closed(code, reason), true);
  }

  #failed(thrown: unknown, usedTicket: boolean): void {
    if (this.#closed || this.#current?.isOpen === true) {
      // A move after `goaway` that failed: the old socket still serves.
      if (!this.#closed) this.#retry();
      return;
    }
    const code = thrown instanceof Closed ? thrown.code : (thrown as { closeCode?: number }).closeCode;
    const error = thrown instanceof Closed ? undefined : asChatError(thrown);
    const isExpired = code === 4401 || code === 4402;
    // A refused ticket is given up for a fresh token; a refused token is not tried again.
    if (isExpired && usedTicket) {
      this.#ticket = undefined;
      this.#retry();
    } else if (
      (code === undefined || mayResume(code)) &&
      (error === undefined || isRetryable(error.code) || code === undefined)
    )
      this.#retry();
    else
      this.#giveUp(
        error ??
          new ChatError(
            isExpired ? "UNAUTHENTICATED" : "CONFLICT",
            thrown instanceof Error ? thrown.message : String(thrown),
          ),
      );
  }

  #retry(): void {
    clearTimeout(this.#retrying);
    const isOtherLeft = this.#dialled > 0 && this.#dialled < this.#options.urls.length;
    this.#retrying = setTimeout(
      () => {
        if (this.#current === undefined) this.#events.onState("connecting");
        void this.#open();
      },
      isOtherLeft ? OTHER_MS * (this.#options.random ?? Math.random)() : this.#backoff.next(),
    );
  }

  #giveUp(error: ChatError): void {
    this.#closed = true;
    clearTimeout(this.#renewing);
    this.#events.onState("closed", error);
  }

  #keepTicket({
    ticket,
    ticketExpiresAt,
  }: {
    readonly ticket: string;
    readonly ticketExpiresAt: number;
  }): void {
    this.#ticket = { ticket, expiresAt: ticketExpiresAt };
    clearTimeout(this.#renewing);
    const inMs = Math.min(TIMER_MAX_MS, RENEW_RATIO * Math.max(0, ticketExpiresAt - Date.now()));
    this.#renewing = setTimeout(() => void this.#renew(), inMs);
  }

  async #renew(): Promise<void> {
    try {
      const reply = await this.#current?.request({ t: "renew", token: await this.#options.token() });
      if (reply?.t === "ticket") this.#keepTicket(reply);
    } catch (error) {
      // The session ends by itself at its token's end, and the reconnect asks for a token again.
      this.#events.onState(this.#current === undefined ? "offline" : "online", asChatError(error));
    }
  }
}

import { ChatError, asChatError, isRetryable, mayResume } from "@jichat/protocol/errors.ts";
import type { GoAway, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { Backoff } from "./backoff.ts";
import { Closed } from "./connection.ts";
import type { FirstSync } from "./connection.ts";
import { Credentials, isOfToken } from "./credentials.ts";
import type { Proof } from "./credentials.ts";
import type { Encoding } from "./encoding.ts";
import { watchNetwork } from "./network.ts";
import { ServerClock } from "./server-clock.ts";
import { REAL } from "./surroundings.ts";
import type { Surroundings, Welcomed } from "./surroundings.ts";
import type { ChatOptions, ConnectionState } from "./types.ts";

export interface LinkEvents {
  /** What a new connection asks first, right behind its hello. */
  readonly firstSync: () => FirstSync["asked"];
  readonly onOnline: (connection: Welcomed) => void;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onState: (state: ConnectionState, error?: ChatError) => void;
}

/** At most this long before the next connector is tried, when one could not be reached. */
const OTHER_MS = 50;

/**
 * Keeps one welcomed connection up: resumes with the ticket, backs off with jitter, moves before it breaks
 * on `goaway`.
 */
export class Link {
  readonly #options: ChatOptions;
  readonly #encoding: Encoding;
  readonly #events: LinkEvents;
  readonly #around: Surroundings;
  readonly #backoff: Backoff;
  readonly #credentials: Credentials;
  readonly #retrying: Alarm;
  readonly serverClock: ServerClock;
  #unwatch: (() => void) | undefined;
  #current: Welcomed | undefined;
  /** The try that is on its way; one that was given up for another has no say any more. */
  #opening: AbortController | undefined;
  #next = 0;
  /** Connectors tried since one was reached: only when all have failed is it time to back off. */
  #dialled = 0;
  #closed = false;

  constructor(options: ChatOptions, encoding: Encoding, events: LinkEvents, around: Surroundings = REAL) {
    this.#options = options;
    this.#encoding = encoding;
    this.#events = events;
    this.#around = around;
    const { clock } = around;
    this.#backoff = new Backoff(options.random);
    this.#next = Math.floor((options.random ?? Math.random)() * options.urls.length);
    this.serverClock = new ServerClock(clock);
    this.#credentials = new Credentials({
      clock,
      token: options.token,
      serverNow: () => this.serverClock.now(),
      renew: async (token) => {
        const reply = await this.#current?.request({ t: "renew", token });
        return reply?.t === "ticket" ? reply : undefined;
      },
      onTrouble: (error) => {
        events.onState(this.#current === undefined ? "offline" : "online", error);
      },
    });
    this.#retrying = new Alarm(clock);
  }

  get connection(): Welcomed | undefined {
    return this.#current;
  }

  start(): void {
    this.#unwatch ??= watchNetwork(
      {
        onOffline: () => {
          this.#offline();
        },
        onOnline: () => {
          this.#online();
        },
      },
      this.#around.network,
    );
    this.#events.onState("connecting");
    void this.#open();
  }

  close(): void {
    if (this.#closed) return;
    this.#end();
    this.#current?.close();
    this.#current = undefined;
    this.#events.onState("closed");
  }

  #end(): void {
    this.#closed = true;
    this.#credentials.stop();
    this.#retrying.clear();
    this.#unwatch?.();
    this.#opening?.abort();
  }

  /** Opens a connection and puts it in the place of the one there is. One at a time. */
  async #open(): Promise<void> {
    if (this.#opening !== undefined || this.#closed) return;
    const opening = new AbortController();
    this.#opening = opening;
    const isStale = (): boolean => this.#opening !== opening || this.#closed;
    let proof: Proof | undefined;
    try {
      const url = this.#nextUrl();
      proof = await this.#credentials.next();
      if (isStale()) return;
      const connection = await this.#dial(url, proof, opening.signal);
      if (isStale()) {
        connection.close();
        return;
      }
      this.#opening = undefined;
      this.#adopt(connection, proof);
    } catch (thrown) {
      if (isStale()) return;
      this.#opening = undefined;
      this.#failed(thrown, proof);
    }
  }

  #nextUrl(): string {
    const { urls } = this.#options;
    const url = urls[this.#next % urls.length];
    this.#next += 1;
    this.#dialled += 1;
    if (url === undefined) throw new ChatError("FRAME_MALFORMED", "no url of a connector was given");
    return url;
  }

  async #dial(url: string, proof: Proof, signal: AbortSignal): Promise<Welcomed> {
    const { device, client, echo } = this.#options;
    const shown = "token" in proof ? { token: proof.token } : proof;
    const hello = { device, client, echo, ...shown };
    const { open, clock } = this.#around;
    return open(url, this.#encoding, hello, this.#events.firstSync(), signal, clock);
  }

  #adopt(connection: Welcomed, proof: Proof): void {
    const old = this.#current;
    this.#current = connection;
    this.#retrying.clear();
    old?.close();
    this.#backoff.reset();
    this.#dialled = 0;
    this.serverClock.heard(connection.welcome.serverTime);
    this.#credentials.welcomed(proof, connection.welcome);
    // First what waits, then who is told that we are back: nothing new may go before it.
    this.#events.onOnline(connection);
    this.#events.onState("online");
    connection.listen({
      onFrame: (frame) => {
        if (this.#current === connection) this.#take(frame);
      },
      onClose: (code, reason) => {
        this.#lost(connection, code, reason);
      },
    });
  }

  #take(frame: ServerFrame): void {
    switch (frame.t) {
      case "goaway":
        return this.#goAway(frame);
      case "ticket":
        return this.#credentials.keep(frame);
      case "pong":
        return this.serverClock.heard(frame.serverTime);
      default:
        return this.#events.onFrame(frame);
    }
  }

  /** The old socket works until the new one is there; its 4409 is of our own making. */
  #goAway({ reconnectAfterMs, ticket }: GoAway): void {
    this.#credentials.replace(ticket);
    this.#retrying.set(reconnectAfterMs, () => void this.#open());
  }

  /** What is on its way over a network that is gone comes to nothing; whether it is, the next try tells. */
  #offline(): void {
    this.#current?.close(new Closed(1006, "the network is gone"));
    this.#giveUpTry();
  }

  #online(): void {
    if (this.#closed) return;
    if (this.#current !== undefined) {
      this.#current.probe();
      return;
    }
    this.#backoff.reset();
    this.#dialled = 0;
    this.#giveUpTry();
    this.#openNow();
  }

  #lost(connection: Welcomed, code: number, reason: string): void {
    if (this.#current !== connection || this.#closed) return;
    this.#current = undefined;
    if (isOfToken(code)) this.#credentials.ended(code);
    this.#events.onState("offline");
    // A new socket is on its way already: a 4409 here is of its making, and its own end decides what comes
    // next.
    if (this.#opening !== undefined) return;
    if (isOfToken(code)) this.#retry();
    else this.#failed(new Closed(code, reason), undefined);
  }

  #failed(thrown: unknown, proof: Proof | undefined): void {
    // A move after `goaway` that failed: the old socket still serves.
    if (this.#current?.isOpen === true) {
      this.#retry();
      return;
    }
    const code = thrown instanceof Closed ? thrown.code : (thrown as { closeCode?: number }).closeCode;
    const error = thrown instanceof Closed ? undefined : asChatError(thrown);
    if (isOfToken(code) && proof !== undefined && this.#credentials.refused(proof, code)) this.#retry();
    else if ((code === undefined || mayResume(code)) && (error === undefined || isRetryable(error.code)))
      this.#retry(error);
    else this.#giveUp(error ?? endOf(code, thrown));
  }

  /** `error` is told to the application: what it can do something about. */
  #retry(error?: ChatError): void {
    const isOtherLeft = this.#dialled > 0 && this.#dialled < this.#options.urls.length;
    if (error !== undefined && this.#current === undefined) this.#events.onState("offline", error);
    this.#retrying.set(
      isOtherLeft ? OTHER_MS * (this.#options.random ?? Math.random)() : this.#backoff.next(),
      () => {
        this.#openNow();
      },
    );
  }

  #openNow(): void {
    this.#retrying.clear();
    if (this.#current === undefined) this.#events.onState("connecting");
    void this.#open();
  }

  #giveUpTry(): void {
    const opening = this.#opening;
    if (opening === undefined || this.#closed) return;
    this.#opening = undefined;
    opening.abort();
    this.#retry();
  }

  #giveUp(error: ChatError): void {
    this.#end();
    this.#events.onState("closed", error);
  }
}

const endOf = (code: number | undefined, thrown: unknown): ChatError =>
  new ChatError(
    isOfToken(code) ? "UNAUTHENTICATED" : "CONFLICT",
    thrown instanceof Error ? thrown.message : String(thrown),
  );

import type { ChatError } from "@jichat/protocol/errors.ts";
import { isRetryable, mayResume } from "@jichat/protocol/errors.ts";
import type { GoAway, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { Backoff } from "./backoff.ts";
import { Closed, DROPPED, closeCodeOf, ownDoing, reasonOf } from "./closed.ts";
import { Credentials, isOfToken } from "./credentials.ts";
import type { Proof } from "./credentials.ts";
import type { Encoding } from "./encoding.ts";
import type { LinkEvents } from "./link-events.ts";
import { watchNetwork } from "./network.ts";
import { faultOf } from "./option-faults.ts";
import { ask } from "./ask.ts";
import { Move } from "./move.ts";
import type { OutFrame } from "./outbox.ts";
import { ServerClock } from "./server-clock.ts";
import { REAL } from "./surroundings.ts";
import type { Surroundings, Welcomed } from "./surroundings.ts";
import type { ChatOptions } from "./types.ts";

/** The longest delay before the next connector is tried, when one could not be reached. */
const OTHER_MS = 50;
/** A connection that lasts this long is stable: after it, the backoff starts anew. */
const HELD_MS = 10_000;
/**
 * How long a socket may take to open, in every other round of all URLs. A balancer that has not noticed yet
 * that a server is gone leads some sockets to it: a short try is soon followed by one that is led elsewhere,
 * and a long one is enough for a slow network. Browsers open one socket to an address at a time, so none is
 * tried beside it.
 */
const SHORT_MS = 4_000;
const LONG_MS = 10_000;
/** For this long, a hello that was given up may still arrive and end the session that replaced it. */
const STRAY_MS = 60_000;
/** The longest delay that a refusal of a hello may impose, whatever the server says. */
const REFUSED_MS_MAX = 60_000;

/**
 * Keeps one welcomed connection up. It resumes with the ticket, backs off with jitter, and on `goaway` moves
 * to another connector before the socket ends.
 */
export class Link {
  readonly #options: ChatOptions;
  readonly #encoding: Encoding;
  readonly #events: LinkEvents;
  readonly #around: Surroundings;
  readonly #backoff: Backoff;
  readonly #credentials: Credentials;
  readonly #move = new Move();
  readonly #retrying: Alarm;
  readonly #holding: Alarm;
  readonly serverClock: ServerClock;
  #unwatch: (() => void) | undefined;
  #current: Welcomed | undefined;
  /** The running try. A try that was given up has no effect any more. */
  #opening: AbortController | undefined;
  #next = 0;
  /** Connectors that were tried since one was last reached. The backoff applies only when all have failed. */
  #dialled = 0;
  /** When the last try was given up after its hello. */
  #strayAt = Number.NEGATIVE_INFINITY;
  /** Whether a try is set for later. */
  #isWaiting = false;
  #started = false;
  #closed = false;

  constructor(options: ChatOptions, encoding: Encoding, events: LinkEvents, around: Surroundings = REAL) {
    this.#options = options;
    this.#encoding = encoding;
    this.#events = events;
    this.#around = around;
    const { clock } = around;
    this.#backoff = new Backoff(options.random);
    this.serverClock = new ServerClock(clock);
    this.#credentials = new Credentials({
      clock,
      token: options.token,
      serverNow: () => this.serverClock.now(),
      renew: async (token) => this.#renew(token),
      onTrouble: (error) => {
        events.onStatus({ state: this.#current === undefined ? "offline" : "online", error });
      },
    });
    this.#retrying = new Alarm(clock);
    this.#holding = new Alarm(clock);
  }

  get connection(): Welcomed | undefined {
    return this.#current;
  }

  /** Returns false if there is no connection, or if it ended with this. */
  write(frame: OutFrame): boolean {
    this.#current?.write(frame);
    return this.#current?.isOpen === true;
  }

  /** Rejects with what `over` says, or with UNAVAILABLE, if there is no connection or it is lost meanwhile. */
  async request(frame: Parameters<typeof ask>[0], over: () => ChatError | undefined): Promise<ServerFrame> {
    return ask(frame, this.#move, () => this.#current, over);
  }

  /** Tries at once if a try is set for later. The back-off goes on as if the time had passed. */
  retryNow(): void {
    if (!this.#closed && this.#current === undefined && this.#isWaiting) this.#openNow();
  }

  /** Works once: a second call changes nothing, nor does a call after `close`. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    const fault = faultOf(this.#options);
    if (fault !== undefined) {
      this.close(fault);
      return;
    }
    const { urls, random = Math.random } = this.#options;
    this.#next = Math.floor(random() * urls.length);
    this.#unwatch = watchNetwork({ onOffline: this.#offline, onOnline: this.#online }, this.#around.network);
    this.#events.onStatus({ state: "connecting" });
    void this.#open();
  }

  /** Ends everything for good. `error` is why, unless the application asked for it. */
  close(error?: ChatError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#credentials.stop();
    this.#retrying.clear();
    this.#holding.clear();
    this.#unwatch?.();
    this.#move.end();
    this.#opening?.abort();
    const current = this.#current;
    this.#current = undefined;
    current?.close();
    this.#events.onStatus({ state: "closed", ...(error && { error }) });
  }

  /** Opens a connection that replaces the present one. Only one opening runs at a time. */
  async #open(): Promise<void> {
    if (this.#opening !== undefined || this.#closed) return;
    const opening = new AbortController();
    this.#opening = opening;
    const isStale = (): boolean => this.#opening !== opening || this.#closed;
    let proof: Proof | undefined;
    try {
      proof = await this.#credentials.next();
      if (isStale()) return;
      const connection = await this.#dial(proof, opening.signal);
      if (isStale()) {
        connection.close();
        return;
      }
      this.#opening = undefined;
      this.#adopt(connection, proof);
    } catch (thrown) {
      if (thrown instanceof Closed && thrown.isStray) this.#strayAt = this.#around.clock.monotonic();
      if (isStale()) return;
      this.#opening = undefined;
      this.#failed(thrown, proof);
    }
  }

  async #dial(proof: Proof, signal: AbortSignal): Promise<Welcomed> {
    const { urls, device, client, echo } = this.#options;
    const url = urls[this.#next % urls.length] ?? "";
    const openMs = (this.#dialled / urls.length) % 2 < 1 ? SHORT_MS : LONG_MS;
    this.#next += 1;
    this.#dialled += 1;
    const shown = "token" in proof ? { token: proof.token } : proof;
    const hello = { device, client, echo, ...shown };
    const { open, clock } = this.#around;
    const firstSync = this.#events.firstSync();
    return open({ url, openMs, encoding: this.#encoding, hello, firstSync, signal, clock });
  }

  #adopt(connection: Welcomed, proof: Proof): void {
    const old = this.#current;
    this.#current = connection;
    this.#move.end();
    this.#retrying.clear();
    old?.close();
    this.#holding.set(HELD_MS, () => {
      this.#backoff.reset();
    });
    this.#dialled = 0;
    this.serverClock.heard(connection.welcome.serverTime);
    this.#credentials.welcomed(proof, connection.welcome);
    // Waiting writes go first; then the application is told that it is online. No new write may overtake
    // them.
    this.#events.onOnline(connection);
    this.#events.onStatus({ state: "online" });
    connection.listen({
      onFrame: (frame) => {
        if (this.#current === connection) this.#receive(frame);
      },
      onClose: (why) => {
        this.#lost(connection, why);
      },
    });
  }

  #receive(frame: ServerFrame): void {
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

  #goAway({ ticket, reconnectAfterMs }: GoAway): void {
    this.#credentials.replace(ticket);
    this.#move.isOn = true;
    this.#retrying.set(reconnectAfterMs, () => void this.#open());
  }

  /** Returns undefined if the session ended meanwhile. The next connection asks for a token anyway. */
  async #renew(token: string): Promise<Extract<ServerFrame, { t: "ticket" }> | undefined> {
    try {
      const reply = await this.#current?.request({ t: "renew", token });
      return reply?.t === "ticket" ? reply : undefined;
    } catch (thrown) {
      if (thrown instanceof Closed) return undefined;
      throw thrown;
    }
  }

  /**
   * Drops the connection and the running try, since the network is gone. If the network is not gone, the next
   * try succeeds.
   */
  readonly #offline = (): void => {
    const gone = new Closed(DROPPED, "no network");
    const wasTrying = this.#abortTry();
    this.#move.end();
    if (this.#current !== undefined) this.#current.close(gone);
    else if (wasTrying) this.#retry(reasonOf(gone));
  };

  readonly #online = (): void => {
    if (this.#closed) return;
    if (this.#current !== undefined) {
      this.#current.probe();
      return;
    }
    this.#backoff.reset();
    this.#dialled = 0;
    this.#abortTry();
    this.#openNow();
  };

  #lost(connection: Welcomed, why: Closed): void {
    if (this.#current !== connection || this.#closed) return;
    this.#current = undefined;
    this.#holding.clear();
    if (isOfToken(why.code)) this.#credentials.ended(why.code);
    if (this.#move.lostOld(why, this.#opening !== undefined)) {
      if (this.#opening === undefined) this.#openNow();
      return;
    }
    // A new socket is being opened: it is the cause of a 4409 here, and its own outcome decides what comes
    // next.
    if (this.#opening !== undefined)
      this.#events.onStatus({ state: "offline", error: reasonOf(ownDoing(why)), retryInMs: 0 });
    else if (isOfToken(why.code)) this.#retry(reasonOf(why));
    else this.#failed(this.#isStrayNear ? ownDoing(why) : why, undefined);
  }

  get #isStrayNear(): boolean {
    return this.#around.clock.monotonic() - this.#strayAt < STRAY_MS;
  }

  #failed(thrown: unknown, proof: Proof | undefined): void {
    const code = closeCodeOf(thrown);
    const error = reasonOf(thrown);
    // Without a token, no connector was tried.
    if (proof === undefined) this.#dialled = 0;
    // A move after `goaway` has failed: the old socket still serves.
    if (this.#current?.isOpen === true) this.#retry(error);
    else if (isOfToken(code) && proof !== undefined && this.#credentials.refused(proof, code))
      this.#retry(error);
    else if ((code === undefined || mayResume(code)) && isRetryable(error.code))
      this.#retry(error, thrown instanceof Closed ? 0 : error.retryAfterMs);
    else this.close(error);
  }

  /**
   * Tells the application with `error` why it is offline. While other connectors are left, the state stays
   * `connecting`.
   */
  #retry(error: ChatError, atLeastMs = 0): void {
    const { urls, random = Math.random } = this.#options;
    // A cluster that has too much to do says when to come again: the others have as much.
    const isOtherLeft = error.code !== "BUSY" && this.#dialled > 0 && this.#dialled < urls.length;
    const waitMs = isOtherLeft
      ? OTHER_MS * random()
      : Math.max(this.#backoff.next(), Math.min(REFUSED_MS_MAX, atLeastMs));
    this.#isWaiting = true;
    if (this.#current === undefined && !isOtherLeft) {
      this.#move.end();
      this.#events.onStatus({ state: "offline", error, retryInMs: waitMs });
    }
    this.#retrying.set(waitMs, () => {
      this.#openNow();
    });
  }

  #openNow(): void {
    this.#retrying.clear();
    this.#isWaiting = false;
    if (this.#current === undefined && this.#opening === undefined && !this.#move.isOn)
      this.#events.onStatus({ state: "connecting" });
    void this.#open();
  }

  /** Returns whether a try was running. */
  #abortTry(): boolean {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.abort();
    return opening !== undefined;
  }
}

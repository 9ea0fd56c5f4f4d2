import type { Encoding } from "../src/encoding.ts";
import type { VirtualClock } from "./virtual-clock.ts";

type Listener = (event: never) => void;

/** What the other end of a socket does. */
export interface Peer {
  opened(socket: ModelSocket): void;
  heard(socket: ModelSocket, data: string | Uint8Array): void;
  left(socket: ModelSocket): void;
}

/** A WebSocket over a network in which each frame takes its time, and frames of one way keep their order. */
export class ModelSocket {
  readonly url: string;
  readonly encoding: Encoding;
  binaryType = "blob";
  readyState = 0;
  /** Of the server's end: it may hear of an end later than the client, or never. */
  isLive = false;
  readonly #clock: VirtualClock;
  readonly #latencyMs: () => number;
  readonly #peer: Peer;
  readonly #listeners = new Map<string, Listener[]>();
  #upAt = 0;
  #downAt = 0;

  constructor(parts: {
    readonly url: string;
    readonly encoding: Encoding;
    readonly clock: VirtualClock;
    readonly latencyMs: () => number;
    readonly peer: Peer;
  }) {
    this.url = parts.url;
    this.encoding = parts.encoding;
    this.#clock = parts.clock;
    this.#latencyMs = parts.latencyMs;
    this.#peer = parts.peer;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  #after(at: number, act: () => void): void {
    this.#clock.after(at - this.#clock.at, act);
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 1) return;
    this.#upAt = Math.max(this.#upAt, this.#clock.at + this.#latencyMs());
    this.#after(this.#upAt, () => {
      if (this.isLive) this.#peer.heard(this, data);
    });
  }

  /** The client's end. */
  close(): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.#upAt = Math.max(this.#upAt, this.#clock.at + this.#latencyMs()); // Behind what was said.
    this.#after(this.#upAt, () => {
      this.#gone();
    });
    this.#after(this.#upAt + this.#latencyMs(), () => {
      this.ended(1000, "");
    });
  }

  #gone(): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.#peer.left(this);
  }

  /** The client's end hears that it is open. */
  open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.isLive = true;
    this.#peer.opened(this);
    this.#emit("open", {});
  }

  /** The server says a frame, or whatever it is. */
  say(frame: object): void {
    this.sayRaw(this.encoding.write(frame));
  }

  sayRaw(data: string | Uint8Array): void {
    if (!this.isLive) return;
    this.#downAt = Math.max(this.#downAt, this.#clock.at + this.#latencyMs());
    this.#after(this.#downAt, () => {
      if (this.readyState !== 1) return;
      this.#emit("message", { data: typeof data === "string" ? data : new Uint8Array(data).buffer });
    });
  }

  /** The server ends it, behind what it has said. */
  end(code: number, reason = ""): void {
    if (!this.isLive) return;
    this.#gone();
    this.#downAt = Math.max(this.#downAt, this.#clock.at + this.#latencyMs());
    this.#after(this.#downAt, () => {
      this.ended(code, reason);
    });
  }

  ended(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#gone();
    this.#emit("close", { code, reason });
  }
}

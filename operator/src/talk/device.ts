import type { Clock } from "@jichat/protocol/clock.ts";
import type { ErrorCode } from "@jichat/protocol/errors.ts";
import { ChatError, isErrorCode, isRetryable } from "@jichat/protocol/errors.ts";
import type { ErrorFrame, ServerFrame, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import type { WebSocket } from "undici";
import type { Wire } from "./wire.ts";

/** The number of received frames that nobody has asked for yet. Beyond it, the oldest is dropped. */
const HEARD_MAX = 256;
const AGAIN_MS = 250;

type Frame<T extends ServerFrame["t"]> = Extract<ServerFrame, { readonly t: T }>;
interface Asked {
  readonly t: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

const refusalOf = ({ code, message, retryAfterMs }: ErrorFrame): ChatError =>
  new ChatError(
    isErrorCode(code) ? code : "INTERNAL",
    message,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );

/** One socket of a device that talks. Every wait ends with `signal`, whose reason says why. */
export class Device {
  readonly #socket: WebSocket;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #heard: ServerFrame[] = [];
  #closed: string | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(wire: Wire, clock: Clock, signal: AbortSignal) {
    this.#wire = wire;
    this.#clock = clock;
    this.#signal = signal;
    this.#socket = wire.open();
    const changed = (): void => {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    };
    this.#socket.addEventListener("open", changed);
    this.#socket.addEventListener("message", ({ data }) => {
      this.#receive(data);
      changed();
    });
    this.#socket.addEventListener("close", ({ code, reason }) => {
      this.#closed ??= `closed with ${code}${reason === "" ? "" : `: ${reason}`}`;
      changed();
    });
  }

  async opened(): Promise<void> {
    await this.#until(() => this.#socket.readyState === 1 || undefined);
  }

  /** Rejects with the error by which the server refused it. */
  async hello(fields: object): Promise<Welcome> {
    this.#say({ t: "hello", client: "jichat-operator", ...fields });
    const answer = await this.hear(
      (frame): frame is Welcome | ErrorFrame => frame.t === "welcome" || frame.t === "error",
    );
    if (answer.t === "error") throw refusalOf(answer);
    return answer;
  }

  /** Resolves with the answer to a frame. Rejects with a ChatError if the answer is a refusal. */
  async ask<T extends ServerFrame["t"]>(frame: Asked, answer: T): Promise<Frame<T>> {
    this.#say(frame);
    const told = await this.hear(
      (heard): heard is Frame<T> | ErrorFrame =>
        (heard.t === answer || heard.t === "error") && "id" in heard && heard.id === frame.id,
    );
    if (told.t === "error") throw refusalOf(told as ErrorFrame);
    return told as Frame<T>;
  }

  /**
   * Like `ask`, but repeats the frame after retryable errors, as a device does. The last error is why it
   * fails. `final` are refusals that are not retried.
   */
  async insist<T extends ServerFrame["t"]>(
    frame: Asked,
    answer: T,
    final: readonly ErrorCode[] = [],
  ): Promise<Frame<T>> {
    let told: ChatError | undefined;
    for (;;) {
      try {
        return await this.ask(frame, answer);
      } catch (error) {
        if (!(error instanceof ChatError)) throw told ?? error;
        if (!isRetryable(error.code) || final.includes(error.code)) throw error;
        told = error;
      }
      // If the wait is aborted, the refusal says more than that time is up.
      await this.#clock.sleep(told.retryAfterMs ?? AGAIN_MS, this.#signal).catch(() => undefined);
      if (this.#signal.aborted) throw told;
    }
  }

  /**
   * Resolves with the first frame that satisfies `test`, received already or later, and removes it from the
   * received frames.
   */
  async hear<F extends ServerFrame>(test: (frame: ServerFrame) => frame is F): Promise<F> {
    return this.#until(() => {
      const at = this.#heard.findIndex(test);
      return at < 0 ? undefined : (this.#heard.splice(at, 1)[0] as F);
    });
  }

  /** Closes the socket. Resolves once the server has closed too, or after `withinMs`. */
  async leave(withinMs: number): Promise<void> {
    this.#socket.close();
    const gone = this.#until(() => this.#closed).catch(() => undefined);
    await Promise.race([gone, this.#clock.sleep(withinMs)]);
  }

  /** The other end may not be a connector at all: an exception here would end this process. */
  #receive(data: unknown): void {
    try {
      this.#heard.push(JSON.parse(String(data)) as ServerFrame);
    } catch {
      this.#closed ??= "it does not speak the protocol: a frame is not JSON";
    }
    if (this.#heard.length > HEARD_MAX) this.#heard.shift();
  }

  #say(frame: object): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#closed !== undefined) throw this.#wire.failure ?? new Error(this.#closed);
      this.#signal.throwIfAborted();
      const over = Promise.withResolvers<void>();
      const stop = (): void => {
        over.resolve();
      };
      this.#signal.addEventListener("abort", stop, { once: true });
      await Promise.race([this.#wake.promise, over.promise]);
      this.#signal.removeEventListener("abort", stop);
    }
  }
}

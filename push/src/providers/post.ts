import type { Dispatcher } from "undici";

/** Bytes of an answer that are read. The rest is dropped with its connection. */
export const ANSWER_BYTES_MAX = 65_536;

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** At most `ANSWER_BYTES_MAX` bytes; what is longer is cut. */
  readonly text: string;
}

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Posts once, and follows no redirect. Rejects if no answer comes, and as soon as the signal aborts. */
export const post = (dispatcher: Dispatcher, { url, headers, body }: Post, signal: AbortSignal) =>
  new Promise<Answer>((resolve, reject) => {
    const reader = new AnswerReader(resolve, reject, signal);
    const options = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: "POST",
      headers: { "user-agent": "jichat", ...headers },
      body,
      // The caller's signal is the limit: timers of each connection would come on top.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as const;
    dispatcher.dispatch(options, reader);
  });

/** Takes an answer as it comes. Most are empty, and a stream for each of thousands a second costs much. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #retryAfter: string | undefined;
  #request: Dispatcher.DispatchController | undefined;

  constructor(resolve: (answer: Answer) => void, reject: (error: unknown) => void, signal: AbortSignal) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    signal.addEventListener("abort", this.#stop, { once: true });
  }

  readonly #stop = (): void => {
    const { reason } = this.#signal as { reason: Error };
    this.#request?.abort(reason);
    this.#reject(reason);
  };

  onRequestStart(request: Dispatcher.DispatchController): void {
    this.#request = request;
    if (this.#signal.aborted) this.#stop(); // It waited for a connection meanwhile.
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    const after = headers["retry-after"];
    this.#retryAfter = Array.isArray(after) ? after[0] : after;
  }

  onResponseData(request: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < ANSWER_BYTES_MAX) return;
    this.#answer();
    request.abort(new Error("the rest of the answer is not read"));
  }

  onResponseEnd(): void {
    this.#answer();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#signal.removeEventListener("abort", this.#stop);
    this.#reject(error);
  }

  #answer(): void {
    this.#signal.removeEventListener("abort", this.#stop);
    const text =
      this.#bytes === 0 ? "" : Buffer.concat(this.#chunks).subarray(0, ANSWER_BYTES_MAX).toString();
    this.#resolve({ status: this.#status, retryAfter: this.#retryAfter, text });
  }
}

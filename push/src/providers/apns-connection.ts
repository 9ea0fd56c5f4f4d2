import { connect, constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  SecureClientSessionOptions,
} from "node:http2";
import type { Answer } from "./attempt.ts";
import { ANSWER_BYTES_MAX } from "./attempt.ts";
import { Slots } from "./slots.ts";

/** Most pushes in flight on the connection, if the server allows as many. */
const STREAMS_MAX = 500;
/** A connection that is replaced has this long for what is in flight. */
const ENDING_MS = 10_000;

/** The server ended the connection in good order, as it does before a restart: it is not down. */
export class ConnectionReplaced extends Error {
  override readonly name = "ConnectionReplaced";
}

export type Trust = Pick<SecureClientSessionOptions, "ca">;

export interface Http2Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * One connection of HTTP/2 that is kept. It is opened when it is needed, and replaced after an error, a GOAWAY,
 * or a push without an answer: a connection may be dead without a sign.
 */
export class ApnsConnection {
  readonly #origin: string;
  readonly #trust: Trust;
  readonly #slots = new Slots(() =>
    Math.max(1, Math.min(STREAMS_MAX, this.#session?.remoteSettings?.maxConcurrentStreams ?? STREAMS_MAX)),
  );
  #session: ClientHttp2Session | undefined;
  /** Sessions that were replaced and still have something in flight. */
  readonly #ending = new Set<ClientHttp2Session>();
  readonly #told = new WeakSet<ClientHttp2Session>();

  constructor(origin: string, trust: Trust) {
    this.#origin = origin;
    this.#trust = trust;
  }

  /** Rejects if no answer comes: with the signal's reason, or as the connection failed. */
  async post(post: Http2Post, signal: AbortSignal): Promise<Answer> {
    await this.#slots.take(signal);
    try {
      const session = this.#open();
      try {
        return await this.#exchange(session, post, signal);
      } catch (error) {
        if (signal.aborted) this.#replace(session);
        if (this.#told.has(session) && !signal.aborted)
          throw new ConnectionReplaced("the provider ended the connection", { cause: error });
        throw error;
      }
    } finally {
      this.#slots.give();
    }
  }

  close(): void {
    this.#session?.destroy();
    for (const session of this.#ending) session.destroy();
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined) return this.#session;
    const session = connect(this.#origin, { settings: { enablePush: false }, ...this.#trust });
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    // Each push in flight is told of an error by its own stream.
    session.on("error", forget);
    session.on("close", () => {
      forget();
      this.#ending.delete(session);
    });
    session.on("goaway", () => {
      this.#told.add(session);
      this.#replace(session);
    });
    this.#session = session;
    return session;
  }

  /** New pushes take another session. This one ends with what it has in flight. */
  #replace(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = undefined;
    if (session.destroyed || this.#ending.has(session)) return;
    this.#ending.add(session);
    session.close();
    setTimeout(() => {
      session.destroy();
    }, ENDING_MS).unref();
  }

  async #exchange(session: ClientHttp2Session, { path, headers, body }: Http2Post, signal: AbortSignal) {
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    const stop = (): void => {
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      stream.end(body);
      return await answerOf(stream);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

/** A stream that was reset, with the name of HTTP/2 for it. */
class StreamReset extends Error {
  override readonly name = "StreamReset";
  readonly code: string;

  constructor(rstCode: number) {
    super("the stream was reset");
    this.code = `HTTP2_RESET_${rstCode}`;
  }
}

const answerOf = (stream: ClientHttp2Stream): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let answered: IncomingHttpHeaders | undefined;
    stream.on("response", (headers) => {
      answered = headers;
    });
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= ANSWER_BYTES_MAX) stream.close(constants.NGHTTP2_CANCEL); // What follows is not read.
    });
    stream.on("error", reject);
    stream.on("close", () => {
      const isCut = stream.rstCode !== constants.NGHTTP2_NO_ERROR && bytes < ANSWER_BYTES_MAX;
      if (answered === undefined || isCut) {
        reject(new StreamReset(stream.rstCode));
        return;
      }
      const after = answered["retry-after"];
      resolve({
        status: Number(answered[":status"]),
        retryAfter: typeof after === "string" ? after : undefined,
        text: Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString(),
      });
    });
  });

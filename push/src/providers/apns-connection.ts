import { connect, constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  SecureClientSessionOptions,
} from "node:http2";
import { Slots } from "../slots.ts";
import type { Answer } from "./post.ts";
import { ANSWER_BYTES_MAX } from "./post.ts";

/** Most pushes in flight on the connection, if the server allows as many. */
const STREAMS_MAX = 500;
/** Pushes that wait for a stream. Above that, one is tried again later. */
const WAITING_MAX = 1_000;
/** A connection that is replaced has this long for what is in flight. */
const ENDING_MS = 10_000;

/** The server has not looked at the push, as before it restarts. It says nothing about whether it is down. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";
}

export type Trust = Pick<SecureClientSessionOptions, "ca">;

export interface Http2Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Session {
  readonly http2: ClientHttp2Session;
  /** The server said that it ends the connection. */
  isTold: boolean;
  /** When the last answer came, on the monotonic clock. */
  heardAt: number;
}

/**
 * One connection of HTTP/2 that is kept. It is opened when it is needed, and replaced after an error or a
 * GOAWAY. It is also replaced after a push that waited for `quietMs` while nothing came: it may be dead
 * without a sign.
 */
export class ApnsConnection {
  readonly #origin: string;
  readonly #trust: Trust;
  readonly #quietMs: number;
  readonly #slots = new Slots({ limit: () => this.#streamsMax, waitingMax: WAITING_MAX });
  /** One, until the server has said how many it takes: APNs takes no more before it knows who we are. */
  #streamsMax = 1;
  #session: Session | undefined;
  /** Sessions that were replaced and still have something in flight. */
  readonly #ending = new Set<ClientHttp2Session>();

  constructor(origin: string, trust: Trust, quietMs: number) {
    this.#origin = origin;
    this.#trust = trust;
    this.#quietMs = quietMs;
  }

  /** Rejects if no answer comes: with NotTaken, with the signal's reason, or as the connection failed. */
  async post(post: Http2Post, signal: AbortSignal): Promise<Answer> {
    await this.#slots.take(signal);
    try {
      signal.throwIfAborted(); // It may have aborted just after there was a slot.
      const session = this.#open();
      const startedAt = performance.now();
      try {
        const answer = await exchange(session.http2, post, signal);
        session.heardAt = performance.now();
        return answer;
      } catch (error) {
        const isQuiet = performance.now() - startedAt >= this.#quietMs && session.heardAt < startedAt;
        if (signal.aborted && isQuiet) this.#replace(session);
        if (signal.aborted || !session.isTold) throw error;
        throw new NotTaken("the provider ended the connection", { cause: error });
      }
    } finally {
      this.#slots.free();
    }
  }

  close(): void {
    this.#session?.http2.destroy();
    for (const http2 of this.#ending) http2.destroy();
  }

  #open(): Session {
    if (this.#session !== undefined) return this.#session;
    const http2 = connect(this.#origin, { settings: { enablePush: false }, ...this.#trust });
    const session: Session = { http2, isTold: false, heardAt: -Infinity };
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    http2.on("remoteSettings", ({ maxConcurrentStreams = STREAMS_MAX }) => {
      if (this.#session !== session) return;
      this.#streamsMax = Math.max(1, Math.min(STREAMS_MAX, maxConcurrentStreams));
      this.#slots.look();
    });
    // Each push in flight is told of an error by its own stream.
    http2.on("error", forget);
    http2.on("close", () => {
      forget();
      this.#ending.delete(http2);
    });
    http2.on("goaway", () => {
      session.isTold = true;
      this.#replace(session);
    });
    this.#session = session;
    this.#streamsMax = 1;
    return session;
  }

  /** New pushes take another session. This one ends with what it has in flight. */
  #replace(session: Session): void {
    const { http2 } = session;
    if (this.#session === session) this.#session = undefined;
    if (http2.destroyed || this.#ending.has(http2)) return;
    if (http2.connecting) {
      http2.destroy();
      return;
    }
    this.#ending.add(http2);
    http2.close();
    setTimeout(() => {
      http2.destroy();
    }, ENDING_MS).unref();
  }
}

async function exchange(
  http2: ClientHttp2Session,
  { path, headers, body }: Http2Post,
  signal: AbortSignal,
): Promise<Answer> {
  const stream = http2.request({ ":method": "POST", ":path": path, ...headers });
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
    stream.on("error", (error) => {
      const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      reject(isRefused ? new NotTaken("the provider refused the stream", { cause: error }) : error);
    });
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

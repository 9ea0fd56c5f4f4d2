import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultPlan } from "./fault-plan.ts";
import { bodyText } from "./fault-plan.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or a value that is sent as JSON. */
  readonly body?: unknown;
}

export interface LoopbackOptions {
  readonly faults: FaultPlan;
  readonly answer: (asked: Asked) => Reply | Promise<Reply>;
  /** 127.0.0.1 if absent. */
  readonly host?: string | undefined;
  /** A certificate and its key, for HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** A free one if absent: a service that comes back has to come back to the same one. */
  readonly port?: number | undefined;
}

const BODY_BYTES_MAX = 1_048_576;

/** A server of HTTP/1.1 on a free port of loopback, with faults. */
export class LoopbackServer {
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stop = stop;
  }

  static async start(options: LoopbackOptions): Promise<LoopbackServer> {
    const { host = "127.0.0.1", tls, port = 0 } = options;
    const ended = new AbortController();
    const take = (request: IncomingMessage, response: ServerResponse): void => {
      serve(request, response, options, ended.signal).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error)); // A fault of the service itself: the test that meets it shows it.
      });
    };
    const server = tls === undefined ? createServer(take) : createSecureServer(tls, take);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    const scheme = tls === undefined ? "http" : "https";
    const url = `${scheme}://${host}:${(server.address() as AddressInfo).port}`;
    return new LoopbackServer(url, async () => {
      ended.abort();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
    });
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { faults, answer }: LoopbackOptions,
  signal: AbortSignal,
): Promise<void> {
  const body = await bodyOf(request);
  const fault = faults.take();
  if (fault?.is === "silent") return;
  if (fault?.is === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault?.is === "garbled") {
    request.socket.end("550 5.7.1 this is not HTTP\r\n");
    return;
  }
  if (fault?.is === "cut") {
    response.writeHead(200, { "content-length": 100 }).write("{", () => request.socket.destroy());
    return;
  }
  if (fault?.is === "slow") await sleep(fault.ms, undefined, { signal, ref: false }).catch(() => undefined);
  const asked: Asked = {
    method: request.method ?? "",
    path: request.url ?? "/",
    header: (name) => request.headers[name]?.toString(),
    body,
  };
  const reply = await replyTo(asked, fault, answer);
  const isText = typeof reply.body === "string" || reply.body === undefined;
  const type = { "content-type": isText ? "text/plain" : "application/json" };
  response.writeHead(reply.status, { ...type, ...reply.headers }).end(bodyText(reply.body));
}

async function replyTo(
  asked: Asked,
  fault: Fault | undefined,
  answer: LoopbackOptions["answer"],
): Promise<Reply> {
  if (fault?.is === "answer") return fault;
  const reply = await answer(asked);
  return fault?.is === "denied" ? { status: fault.status } : reply;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

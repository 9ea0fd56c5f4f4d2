import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubeObject } from "../src/kube/object.ts";

/** What the next matching requests meet instead of an answer. */
export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly reason?: string;
      readonly retryAfter?: number;
    }
  /** The connection is cut before an answer. */
  | { readonly kind: "reset" };

interface Watcher {
  readonly response: ServerResponse;
  readonly prefix: string;
  isSilent: boolean;
}

const plain = (status: number, reason: string, message: string): object => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code: status,
  reason,
  message,
});

/** A merge patch (RFC 7386). */
function merged(known: unknown, patch: unknown): unknown {
  const isTree = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(patch)) return patch;
  const result: Record<string, unknown> = isTree(known) ? { ...known } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  return result;
}

/**
 * As much of the Kubernetes API as a controller meets on a bad day: lists in pages, watches with bookmarks,
 * optimistic concurrency, and faults on demand. What it stores it stores whole: apply replaces.
 */
export class FakeApiServer {
  readonly objects = new Map<string, KubeObject>();
  readonly requests: string[] = [];
  readonly faults: { readonly match: RegExp; readonly fault: Fault; times: number }[] = [];
  /** Nothing below this resourceVersion can be watched from: 410. */
  oldest = 0;
  pageSize = Number.POSITIVE_INFINITY;
  #version = 1;
  readonly #watchers = new Set<Watcher>();
  readonly #events: {
    readonly version: number;
    readonly path: string;
    readonly type: string;
    readonly object: KubeObject;
  }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, "127.0.0.1", resolve);
    });
    return fake;
  }

  get config(): KubeConfig {
    const config = new KubeConfig();
    const server = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    config.loadFromClusterAndUser({ name: "fake", server, skipTLSVerify: true }, { name: "nobody" });
    return config;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  fail(match: RegExp, fault: Fault, times = 1): void {
    this.faults.push({ match, fault, times });
  }

  /** Cuts every connection, as a restarted API server does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Watches stay open and say nothing any more, as behind a half-open connection. */
  silence(): void {
    for (const watcher of this.#watchers) watcher.isSilent = true;
  }

  /** Sends an ERROR event to every watch, and ends it. */
  error(code: number): void {
    for (const { response } of this.#watchers) {
      response.write(
        `${JSON.stringify({ type: "ERROR", object: plain(code, code === 410 ? "Expired" : "InternalError", "an error in the stream") })}\n`,
      );
      response.end();
    }
    this.#watchers.clear(); // Before their connections close: what comes meanwhile is not written to them.
  }

  bookmark(): void {
    for (const watcher of this.#watchers)
      this.#send(watcher, "BOOKMARK", { metadata: { resourceVersion: String(this.#version) } } as KubeObject);
  }

  /** Somebody else writes: `path` is that of the object. */
  put(path: string, object: KubeObject): KubeObject {
    this.#version += 1;
    const known = this.objects.get(path);
    const stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: known?.metadata.uid ?? `uid-${this.#version}`,
        resourceVersion: String(this.#version),
      },
    };
    this.objects.set(path, stored);
    this.#tell(path, known === undefined ? "ADDED" : "MODIFIED", stored);
    return stored;
  }

  remove(path: string): void {
    const known = this.objects.get(path);
    if (known === undefined) return;
    this.#version += 1;
    this.objects.delete(path);
    this.#tell(path, "DELETED", {
      ...known,
      metadata: { ...known.metadata, resourceVersion: String(this.#version) },
    });
  }

  #tell(path: string, type: string, object: KubeObject): void {
    this.#events.push({ version: this.#version, path, type, object });
    for (const watcher of this.#watchers)
      if (path.startsWith(watcher.prefix)) this.#send(watcher, type, object);
  }

  #send(watcher: Watcher, type: string, object: KubeObject): void {
    if (!watcher.isSilent) watcher.response.write(`${JSON.stringify({ type, object })}\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const line = `${request.method} ${url.pathname}${url.searchParams.get("watch") === "true" ? " watch" : ""}`;
    this.requests.push(line);
    const fault = this.faults.find(({ match, times }) => times > 0 && match.test(line));
    if (fault !== undefined) {
      fault.times -= 1;
      this.#fault(fault.fault, response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body =
      chunks.length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as KubeObject);
    if (url.searchParams.get("watch") === "true") this.#watch(url, response);
    else if (request.headers["content-type"] === "application/merge-patch+json")
      this.#do("PATCH", url, merged(this.objects.get(url.pathname), body) as KubeObject, response);
    else this.#do(request.method ?? "GET", url, body, response);
  }

  #fault(fault: Fault, response: ServerResponse): void {
    if (fault.kind === "reset") {
      response.socket?.destroy();
      return;
    }
    const { status, reason = "", retryAfter } = fault;
    this.#reply(
      response,
      status,
      plain(status, reason, `refused with ${status}`),
      retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
    );
  }

  #reply(
    response: ServerResponse,
    status: number,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  }

  #do(method: string, url: URL, body: KubeObject | undefined, response: ServerResponse): void {
    const path = url.pathname;
    const known = this.objects.get(path);
    if (method === "GET" && known === undefined && this.#isCollection(path)) this.#list(url, response);
    else if (method === "POST" && body !== undefined) {
      const target = `${path}/${body.metadata.name}`;
      if (this.objects.has(target))
        this.#reply(response, 409, plain(409, "AlreadyExists", `${body.metadata.name} exists`));
      else this.#reply(response, 201, this.put(target, body));
    } else if (method === "PATCH" && body !== undefined && path.endsWith("/status"))
      this.#status(path, body, response);
    else if (method === "PATCH" && body !== undefined)
      this.#reply(response, 200, this.put(path, { ...known, ...body }));
    else if (known === undefined) this.#reply(response, 404, plain(404, "NotFound", `${path} is not there`));
    else if (method === "GET") this.#reply(response, 200, known);
    else if (method === "PUT" && body !== undefined) {
      if (body.metadata.resourceVersion !== known.metadata.resourceVersion)
        this.#reply(response, 409, plain(409, "Conflict", "the object has been modified"));
      else this.#reply(response, 200, this.put(path, body));
    } else {
      this.remove(path);
      this.#reply(response, 200, plain(200, "", "deleted"));
    }
  }

  /** Of a status subresource everything but the status is left out. */
  #status(path: string, body: KubeObject & { readonly status?: unknown }, response: ServerResponse): void {
    const of = path.replace(/\/status$/, "");
    const known = this.objects.get(of);
    if (known === undefined) this.#reply(response, 404, plain(404, "NotFound", `${of} is not there`));
    else this.#reply(response, 200, this.put(of, { ...known, status: body.status } as KubeObject));
  }

  /** `…/namespaces/NS/PLURAL` and `…/VERSION/PLURAL` are collections, one more part names an object. */
  #isCollection(path: string): boolean {
    const parts = path.split("/").filter((part) => part !== "");
    const rest = parts.slice(parts[0] === "api" ? 2 : 3);
    return rest.length === 1 || (rest[0] === "namespaces" && rest.length === 3);
  }

  #list(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get("continue") ?? 0);
    const all = [...this.objects]
      .filter(([path]) => path.startsWith(`${url.pathname}/`))
      .map(([, object]) => object);
    const items = all.slice(from, from + this.pageSize);
    const next = from + items.length < all.length ? String(from + items.length) : "";
    // As the real one does: items of a list come without kind and apiVersion.
    const bare = items.map((item) => ({ ...item, kind: undefined, apiVersion: undefined }));
    this.#reply(response, 200, {
      kind: "List",
      apiVersion: "v1",
      metadata: { resourceVersion: String(this.#version), continue: next },
      items: bare,
    });
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get("resourceVersion"));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < this.oldest) {
      response.write(
        `${JSON.stringify({ type: "ERROR", object: plain(410, "Expired", "too old resource version") })}\n`,
      );
      response.end();
      return;
    }
    const watcher: Watcher = { response, prefix: `${url.pathname}/`, isSilent: false };
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
    for (const { version, path, type, object } of this.#events)
      if (version > from && path.startsWith(watcher.prefix)) this.#send(watcher, type, object);
  }
}

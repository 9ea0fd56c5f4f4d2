import type { KubeConfig } from "@kubernetes/client-node";
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { request } from "undici";
import { kubeErrorOf } from "./errors.ts";
import type { KubeObject, Resource } from "./object.ts";
import { pathOf } from "./object.ts";

export interface Query {
  readonly [parameter: string]: string | number | boolean | undefined;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly next: string | undefined;
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject;
}

export interface ApplyOptions {
  /** `status` writes only that subresource. */
  readonly subresource?: "status" | "scale";
  readonly dryRun?: boolean;
}

/** Certificates of a pod or a user are renewed without notice, so they are reread after this time. */
const DISPATCHER_MS = 600_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Server-side apply with force takes over fields that other managers hold, which corrects drift. */
const APPLY = "application/apply-patch+yaml";

type Method = keyof typeof HttpMethod;

interface RequestForm {
  readonly query?: Query | undefined;
  readonly body?: object | undefined;
  /** The content type of the body. */
  readonly type?: string | undefined;
}

interface SentForm extends RequestForm {
  readonly signal: AbortSignal;
}

/**
 * A client of the API server that takes only the library's configuration. Paths, bodies and errors are our
 * own: the generated client drops fields of a structural schema, and its informer stops on errors.
 */
export class KubeApi {
  readonly #config: KubeConfig;
  readonly #server: string;
  /** The name of this client in managed fields. */
  readonly manager: string;
  #dispatcher: Dispatcher | undefined;
  #dispatcherSince = 0;
  /** The number of requests sent so far. */
  requests = 0;

  constructor(config: KubeConfig, manager: string) {
    const cluster = config.getCurrentCluster();
    if (cluster === null)
      throw new Error(
        "no Kubernetes cluster is configured: is KUBECONFIG set, or is this a pod with a ServiceAccount?",
      );
    this.#config = config;
    this.#server = cluster.server.replace(/\/$/, "");
    this.manager = manager;
  }

  async get<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
  ): Promise<T> {
    return (await this.#ask("GET", pathOf(resource, namespace, name))) as T;
  }

  /** One page of a list. `next` is the `continue` token of the next page. */
  async list<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    query: Query = {},
  ): Promise<ListPage<T>> {
    const body = (await this.#ask("GET", pathOf(resource, namespace), { query })) as {
      items?: T[];
      metadata?: { resourceVersion?: string; continue?: string };
    };
    const { apiVersion, kind } = resource;
    const next = body.metadata?.continue;
    return {
      // Items of a list come without kind and apiVersion.
      items: (body.items ?? []).map((item) => ({ ...item, apiVersion, kind })),
      resourceVersion: body.metadata?.resourceVersion ?? "",
      next: next === undefined || next === "" ? undefined : next,
    };
  }

  /** Server-side apply by this manager, with force: it takes over every field that it sets. */
  async apply<T extends KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: ApplyOptions = {},
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const path =
      pathOf(resource, namespace, name) +
      (options.subresource === undefined ? "" : `/${options.subresource}`);
    const query = {
      fieldManager: this.manager,
      force: true,
      dryRun: options.dryRun === true ? "All" : undefined,
    };
    return (await this.#ask("PATCH", path, { query, body: object, type: APPLY })) as T;
  }

  async create<T extends KubeObject>(resource: Resource, object: KubeObject): Promise<T> {
    const path = pathOf(resource, object.metadata.namespace);
    return (await this.#ask("POST", path, {
      query: { fieldManager: this.manager },
      body: object,
      type: "application/json",
    })) as T;
  }

  /** Replaces the object if its resourceVersion is still the one in `object`. */
  async replace<T extends KubeObject>(resource: Resource, object: KubeObject): Promise<T> {
    const path = pathOf(resource, object.metadata.namespace, object.metadata.name);
    return (await this.#ask("PUT", path, {
      query: { fieldManager: this.manager },
      body: object,
      type: "application/json",
    })) as T;
  }

  async mergePatch<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: object,
  ): Promise<T> {
    const path = pathOf(resource, namespace, name);
    return (await this.#ask("PATCH", path, {
      query: { fieldManager: this.manager },
      body: patch,
      type: "application/merge-patch+json",
    })) as T;
  }

  /** With a `uid`, only that very object: another one of the same name is a conflict. */
  async remove(resource: Resource, namespace: string | undefined, name: string, uid?: string): Promise<void> {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    const body = { propagationPolicy: "Background", ...preconditions };
    await this.#ask("DELETE", pathOf(resource, namespace, name), {
      body,
      type: "application/json",
    });
  }

  /**
   * Events from `query.resourceVersion` on, until the server ends the watch or `signal` aborts. Throws
   * KubeError for an answer that is not a watch and for an ERROR event, and passes on errors of the
   * connection.
   */
  async *watch(
    resource: Resource,
    namespace: string | undefined,
    query: Query,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const body = await this.#send("GET", pathOf(resource, namespace), {
      query: { ...query, watch: true },
      signal,
    });
    let rest = "";
    const text = new TextDecoder();
    for await (const chunk of body) {
      const lines = (rest + text.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") continue;
        const event = JSON.parse(line) as WatchEvent;
        if (event.type === "ERROR") throw kubeErrorOf(500, event.object);
        yield event;
      }
    }
  }

  async #ask(method: Method, path: string, form: RequestForm = {}): Promise<unknown> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    return (await this.#send(method, path, { ...form, signal })).json();
  }

  /** Returns the body of an answer that is no refusal. `fetch` would cost twice as much. */
  async #send(method: Method, path: string, { query = {}, signal, body, type }: SentForm) {
    const url = new URL(this.#server + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const context = new RequestContext(url.toString(), HttpMethod[method]);
    await this.#config.applySecurityAuthentication(context);
    // A watch has its own connection, since requests would wait behind it.
    const dispatcher = query["watch"] === true ? context.getDispatcher() : this.#keptDispatcher(context);
    this.requests += 1;
    const answer = await request(url, {
      method,
      headers: {
        ...context.getHeaders(),
        accept: "application/json",
        ...(type === undefined ? {} : { "content-type": type }),
      },
      signal,
      ...(dispatcher === undefined ? {} : { dispatcher }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { statusCode, headers } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer.body;
    const retryAfter = headers["retry-after"];
    const text = await answer.body.text();
    throw kubeErrorOf(statusCode, parsed(text), typeof retryAfter === "string" ? retryAfter : undefined);
  }

  /**
   * The library makes a dispatcher per request, each with its own TLS connection. This one is kept for as
   * long as its certificates can be trusted to be current.
   */
  #keptDispatcher(context: RequestContext): Dispatcher | undefined {
    const now = performance.now();
    if (this.#dispatcher === undefined || now - this.#dispatcherSince > DISPATCHER_MS) {
      this.#dispatcher = context.getDispatcher();
      this.#dispatcherSince = now;
    }
    return this.#dispatcher;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { message: text.slice(0, 200) }; // A proxy's page, not the API server's Status.
  }
}

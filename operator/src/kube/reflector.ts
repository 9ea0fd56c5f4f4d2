import type { Clock } from "@jichat/protocol/clock.ts";
import type { KubeApi, Query } from "./api.ts";
import { KubeError, isExpired } from "./errors.ts";
import type { KubeObject, Resource } from "./object.ts";
import { keyOf } from "./object.ts";
import type { Store } from "./store.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly api: Pick<KubeApi, "list" | "watch">;
  readonly resource: Resource;
  /** One namespace; undefined means all. */
  readonly namespace: string | undefined;
  readonly labelSelector?: string;
  readonly store: Store<T>;
  /** Called after the store has changed. For a deletion, it gets the last known state. */
  readonly onChange: (object: T) => void;
  readonly clock: Clock;
  /**
   * Called each time a watch breaks off or a list fails. Such failures are counted, and are no reason for
   * alarm.
   */
  readonly onRetry: (why: string, error: unknown) => void;
  readonly random?: () => number;
}

const PAGE = 500;
/**
 * The server ends a watch after this time. Bookmarks come every minute, so silence means a half-open
 * connection.
 */
const WATCH_SECONDS = 300;
const SILENCE_MS = 90_000;
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/**
 * Keeps a store equal to the API server's state. It lists in pages and watches with bookmarks. It lists again
 * after 410, after an ERROR event and after silence. It is level-triggered: whatever a watch missed is found
 * by the next list.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #synced = Promise.withResolvers<void>();
  #version = "";
  #isSynced = false;
  #failures = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Resolves once every object that existed at the start is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { onRetry, clock, random = Math.random } = this.#options;
    while (!signal.aborted) {
      try {
        if (this.#version === "") await this.#list(signal);
        await this.#watch(signal);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // An ended or silent watch may continue at its version. After an expired version or an error event,
        // it may not.
        if (isExpired(error) || error instanceof KubeError) this.#version = "";
        onRetry(this.#options.resource.plural, error);
        const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#failures) * (0.5 + random() / 2);
        this.#failures = Math.min(this.#failures + 1, 10);
        const retryAfterMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
        // An abort ends the sleep, and then the loop.
        await clock.sleep(Math.max(backoffMs, retryAfterMs), signal).catch(() => undefined);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, resource, namespace, labelSelector, store, onChange } = this.#options;
    const gone = new Set(store.keys());
    let page: string | undefined;
    let version = "";
    do {
      signal.throwIfAborted();
      const list = await api.list<T>(resource, namespace, { limit: PAGE, continue: page, labelSelector });
      for (const item of list.items) {
        gone.delete(keyOf(item));
        if (store.put(item)) onChange(item);
      }
      version = list.resourceVersion;
      page = list.next;
    } while (page !== undefined);
    for (const key of gone) {
      const removed = store.remove(key);
      if (removed !== undefined) onChange(removed);
    }
    this.#version = version;
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { api, resource, namespace, labelSelector, store, onChange } = this.#options;
    const silence = new AbortController();
    const heard = (): NodeJS.Timeout =>
      setTimeout(() => {
        silence.abort(new Error(`the watch received nothing for ${SILENCE_MS / 1_000} s`));
      }, SILENCE_MS).unref();
    let timer = heard();
    const query: Query = {
      resourceVersion: this.#version,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS,
      labelSelector,
    };
    try {
      for await (const { type, object } of api.watch(
        resource,
        namespace,
        query,
        AbortSignal.any([signal, silence.signal]),
      )) {
        clearTimeout(timer);
        timer = heard();
        this.#version = object.metadata.resourceVersion ?? this.#version;
        this.#failures = 0;
        if (type === "BOOKMARK") continue;
        const item = object as T;
        if (type === "DELETED") {
          store.remove(keyOf(item));
          onChange(item);
        } else if (store.put(item)) onChange(item);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

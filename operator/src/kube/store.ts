import type { KubeObject } from "./object.ts";
import { keyOf } from "./object.ts";

export type Indexer<T> = (object: T) => readonly string[];

/** The objects of one kind, as last reported by the API server, with indexes. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: ReadonlyMap<string, Indexer<T>>;
  readonly #indexes: ReadonlyMap<string, Map<string, Set<string>>>;

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = new Map(Object.entries(indexers));
    this.#indexes = new Map(Object.keys(indexers).map((name) => [name, new Map()]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  all(): T[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** All objects under `value` in an index. */
  by(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Returns false if this version is already stored. */
  put(object: T): boolean {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && known.metadata.resourceVersion === object.metadata.resourceVersion)
      return false;
    if (known !== undefined) this.#unindex(key, known);
    // Managed fields are half of an object's bytes, and nothing here reads them.
    const { metadata } = object;
    this.#objects.set(key, { ...object, metadata: { ...metadata, managedFields: undefined } });
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indexes.get(name);
      for (const value of indexer(object)) index?.set(value, (index.get(value) ?? new Set()).add(key));
    }
    return true;
  }

  remove(key: string): T | undefined {
    const known = this.#objects.get(key);
    if (known === undefined) return undefined;
    this.#unindex(key, known);
    this.#objects.delete(key);
    return known;
  }

  #unindex(key: string, object: T): void {
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indexes.get(name);
      for (const value of indexer(object)) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
    }
  }
}

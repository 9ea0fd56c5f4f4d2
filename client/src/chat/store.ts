import type { Store } from "./types.ts";

/** Keeps everything for as long as the process lives. */
export function memoryStore(): Store {
  const kept = new Map<string, string>();
  return {
    get: async (key) => parsed(kept.get(key)),
    set: async (key, value) => {
      kept.set(key, JSON.stringify(value));
    },
    delete: async (key) => {
      kept.delete(key);
    },
    keys: async (prefix) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/**
 * Keeps everything in a `Storage` of the browser: `sessionStorage` for as long as the tab lives,
 * `localStorage` for good. Both hold about 5 MB, and `set` rejects when they are full.
 */
export const webStore = (storage: Storage): Store => ({
  get: async (key) => parsed(storage.getItem(key) ?? undefined),
  set: async (key, value) => {
    storage.setItem(key, JSON.stringify(value));
  },
  delete: async (key) => {
    storage.removeItem(key);
  },
  keys: async (prefix) =>
    Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "").filter((key) =>
      key.startsWith(prefix),
    ),
});

const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));

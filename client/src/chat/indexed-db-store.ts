import { ChatError } from "@jichat/protocol/errors.ts";
import type { Store } from "./types.ts";

const TABLE = "kept";
const VERSION = 1;

function result<T>(request: IDBRequest<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  request.addEventListener("success", () => {
    resolve(request.result);
  });
  request.addEventListener("error", () => {
    reject(failed(request.error));
  });
  return promise;
}

const failed = (cause: unknown): ChatError =>
  new ChatError("UNAVAILABLE", `IndexedDB refuses: ${String(cause)}`, { cause });

/** Resolves once the transaction is complete: what it wrote survives a reload. */
function completed(transaction: IDBTransaction): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  transaction.addEventListener("complete", () => {
    resolve();
  });
  transaction.addEventListener("abort", () => {
    reject(failed(transaction.error ?? "the transaction was aborted"));
  });
  return promise;
}

function opened(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore(TABLE);
  });
  return result(request);
}

/**
 * Keeps everything in the IndexedDB database `name` of this origin, for all devices of it. The database is
 * opened at the first use. Calls reject with UNAVAILABLE if the browser refuses, such as when it is full.
 */
export function indexedDbStore(name: string): Store {
  let opening: Promise<IDBDatabase> | undefined;
  const database = async (): Promise<IDBDatabase> => {
    opening ??= opened(name);
    try {
      const open = await opening;
      // Another tab may delete the database, or the browser may close it: then it is opened again.
      open.onversionchange = () => {
        open.close();
        opening = undefined;
      };
      open.onclose = () => {
        opening = undefined;
      };
      return open;
    } catch (thrown) {
      opening = undefined;
      throw thrown;
    }
  };
  const read = async <T>(ask: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    result(ask((await database()).transaction(TABLE, "readonly").objectStore(TABLE)));
  const write = async (act: (table: IDBObjectStore) => void): Promise<void> => {
    const transaction = (await database()).transaction(TABLE, "readwrite");
    act(transaction.objectStore(TABLE));
    await completed(transaction);
  };
  return {
    get: async (key) => read<unknown>((table) => table.get(key)),
    set: async (key, value) =>
      write((table) => {
        table.put(value, key);
      }),
    delete: async (key) =>
      write((table) => {
        table.delete(key);
      }),
    keys: async (prefix) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      return (await read((table) => table.getAllKeys(range))).map(String);
    },
  };
}

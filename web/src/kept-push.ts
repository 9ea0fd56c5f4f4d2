import type { Preview } from "@jichat/protocol/bus/push-registration.ts";

const [DATABASE, STORE, KEY] = ["jichat-push", "kept", "push"];

/**
 * What this browser remembers of its push, where the service worker reads it too. No token is in it, and
 * nothing that anybody says.
 */
export interface KeptPush {
  readonly user: string;
  /** The browser's own, not one of a tab: tabs come and go, and push stays. */
  readonly device: string;
  readonly preview: Preview;
  /** The language that the server writes notifications in. */
  readonly locale: string;
  /** The subscription that the server has. Absent as long as it has none. */
  readonly endpoint?: string | undefined;
}

/** Resolves with the request's result, or rejects with its error. */
const answer = async <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => {
      resolve(request.result);
    });
    request.addEventListener("error", () => {
      reject(request.error ?? new Error("the browser's storage failed"));
    });
  });

async function withStore<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => {
    opening.result.createObjectStore(STORE);
  });
  const database = await answer(opening);
  try {
    return await answer(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** Undefined if nobody turned push on here. */
export const keptPush = async (): Promise<KeptPush | undefined> =>
  withStore<KeptPush | undefined>("readonly", (store) => store.get(KEY));

export async function keepPush(kept: KeptPush): Promise<void> {
  await withStore("readwrite", (store) => store.put(kept, KEY));
}

export async function forgetPush(): Promise<void> {
  await withStore("readwrite", (store) => store.delete(KEY));
}

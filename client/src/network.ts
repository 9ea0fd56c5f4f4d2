export interface NetworkEvents {
  readonly onOffline: () => void;
  readonly onOnline: () => void;
}

/**
 * A browser reports the loss of its network before any timer can notice it. Other platforms report nothing.
 */
const browser = (): EventTarget | undefined =>
  typeof globalThis.addEventListener === "function" ? globalThis : undefined;

/** Returns a function that stops watching. */
export function watchNetwork(events: NetworkEvents, target: EventTarget | undefined = browser()): () => void {
  const { onOffline, onOnline } = events;
  target?.addEventListener("offline", onOffline);
  target?.addEventListener("online", onOnline);
  return () => {
    target?.removeEventListener("offline", onOffline);
    target?.removeEventListener("online", onOnline);
  };
}

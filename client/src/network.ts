export interface NetworkEvents {
  readonly onOffline: () => void;
  readonly onOnline: () => void;
}

/** What a browser says of its network: it knows before any timer does. Others say nothing. */
const browser = (): EventTarget | undefined =>
  typeof globalThis.addEventListener === "function" ? globalThis : undefined;

/** Returns how to stop. */
export function watchNetwork(events: NetworkEvents, target: EventTarget | undefined = browser()): () => void {
  const { onOffline, onOnline } = events;
  target?.addEventListener("offline", onOffline);
  target?.addEventListener("online", onOnline);
  return () => {
    target?.removeEventListener("offline", onOffline);
    target?.removeEventListener("online", onOnline);
  };
}

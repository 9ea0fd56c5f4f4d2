import { targetOf } from "./route.ts";
import type { SaidToPage } from "./tabs.ts";

/** Lets the page open without a network. Only a page over HTTPS, or on localhost, has service workers. */
export function startServiceWorker(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("service-worker.js").catch((error: unknown) => {
    console.warn("the page will not open without a network", error);
  });
  // A notification was clicked: the worker names the conversation.
  onSaid("open", async ({ hash }) => {
    location.hash = hash;
    return true;
  });
  onSaid("shows", async ({ conversation }) => targetOf(location.hash) === conversation);
}

type Said<T extends SaidToPage["t"]> = Extract<SaidToPage, { readonly t: T }>;

/**
 * Acts on what the service worker says, and answers with what `act` resolves with. `act` must not reject.
 * Returns a function that stops it.
 */
export function onSaid<T extends SaidToPage["t"]>(
  t: T,
  act: (said: Said<T>) => Promise<boolean>,
): () => void {
  const take = ({ data, ports: [port] }: MessageEvent<SaidToPage>): void => {
    if (data.t !== t) return;
    void act(data as Said<T>).then((isYes) => port?.postMessage(isYes));
  };
  navigator.serviceWorker.addEventListener("message", take);
  return () => {
    navigator.serviceWorker.removeEventListener("message", take);
  };
}

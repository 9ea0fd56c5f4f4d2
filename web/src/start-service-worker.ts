/** Lets the page open without a network. Only a page over HTTPS, or on localhost, has service workers. */
export function startServiceWorker(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("service-worker.js").catch((error: unknown) => {
    console.warn("the page will not open without a network", error);
  });
  // A notification was clicked: the worker names the conversation.
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ readonly hash: string }>) => {
    location.hash = data.hash;
  });
}

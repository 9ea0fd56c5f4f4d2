import { mendSubscription, openClicked, takePush } from "./worker-push.ts";
import { PAGE, scope } from "./worker-scope.ts";

/**
 * The service worker: it keeps the files of the page, so that the page opens without a network and can say
 * so, and shows what is pushed. It keeps nothing that people say, and never answers a call of the api.
 */

/** Paths of the files that the page consists of. The build writes them here. */
declare const SHELL: readonly string[];

/** Names of files have a hash of their content, so another list is another version of the page. */
const CACHE = `jichat ${SHELL.join(" ")}`;
/** The server says `Vary: Origin` of everything, and a module is asked for with another `Origin` than here. */
const AS_KEPT: CacheQueryOptions = { ignoreVary: true };
/** A network that takes longer than this to give the page counts as none. */
const PAGE_MS = 3_000;

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([PAGE, ...SHELL]);
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await scope.clients.claim();
}

/** The page is asked for first, so that a new version is seen at once. */
async function page(): Promise<Response> {
  try {
    return await fetch(PAGE, { signal: AbortSignal.timeout(PAGE_MS) });
  } catch (error) {
    const kept = await caches.match(PAGE, AS_KEPT);
    if (kept === undefined) throw error;
    return kept;
  }
}

const file = async (request: Request): Promise<Response> =>
  (await caches.match(request, AS_KEPT)) ?? fetch(request);

scope.addEventListener("install", (event) => {
  event.waitUntil(install());
});
scope.addEventListener("activate", (event) => {
  event.waitUntil(activate());
});
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== scope.location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) event.respondWith(page());
  else if (SHELL.includes(pathname)) event.respondWith(file(request));
});
scope.addEventListener("push", (event) => {
  event.waitUntil(takePush(event.data?.text() ?? ""));
});
scope.addEventListener("notificationclick", (event) => {
  event.waitUntil(openClicked(event.notification));
});
scope.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(mendSubscription());
});

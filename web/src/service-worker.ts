/**
 * The service worker: it keeps the files of the page, so that the page opens without a network and can say
 * so. It keeps nothing that people say, and never answers a call of the api.
 */

/** Paths of the files that the page consists of. The build writes them here. */
declare const SHELL: readonly string[];

/** The parts of a service worker's scope that are used here. The types of pages do not have them. */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Clicked extends Extendable {
  readonly notification: Notification;
}
interface Client {
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}
interface Scope {
  addEventListener(type: "install" | "activate", act: (event: Extendable) => void): void;
  addEventListener(type: "fetch", act: (event: Fetching) => void): void;
  addEventListener(type: "notificationclick", act: (event: Clicked) => void): void;
  skipWaiting(): Promise<void>;
  readonly location: Location;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { readonly type: "window" }): Promise<readonly Client[]>;
    openWindow(url: string): Promise<unknown>;
  };
}
const scope = globalThis as unknown as Scope;

const PAGE = "/";
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

/** Shows the conversation of a notification, in a tab that is open or in a new one. */
async function show(hash: string): Promise<void> {
  const [tab] = await scope.clients.matchAll({ type: "window" });
  if (tab === undefined) {
    await scope.clients.openWindow(PAGE + hash);
    return;
  }
  tab.postMessage({ hash });
  await tab.focus();
}

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
scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show((event.notification.data as { readonly hash: string }).hash));
});

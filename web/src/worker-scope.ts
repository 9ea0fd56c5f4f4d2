/** The parts of a service worker's scope that are used here. The types of pages do not have them. */
export interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
export interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Clicked extends Extendable {
  readonly notification: Notification;
}
interface PushCame extends Extendable {
  readonly data: { text(): string } | null;
}
/** An open page. */
export interface Tab {
  readonly url: string;
  readonly focused: boolean;
  readonly visibilityState: string;
  focus(): Promise<unknown>;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}
interface Scope {
  addEventListener(
    type: "install" | "activate" | "pushsubscriptionchange",
    act: (event: Extendable) => void,
  ): void;
  addEventListener(type: "fetch", act: (event: Fetching) => void): void;
  addEventListener(type: "push", act: (event: PushCame) => void): void;
  addEventListener(type: "notificationclick", act: (event: Clicked) => void): void;
  skipWaiting(): Promise<void>;
  readonly location: Location;
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: {
      readonly type: "window";
      readonly includeUncontrolled: boolean;
    }): Promise<readonly Tab[]>;
    openWindow(url: string): Promise<unknown>;
  };
}
export const scope = globalThis as unknown as Scope;

export const PAGE = "/";

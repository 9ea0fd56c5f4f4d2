import type { Tab } from "./worker-scope.ts";
import { PAGE, scope } from "./worker-scope.ts";

/** What the worker says to the page. `shows` and `mend` are answered with true or false through a port. */
export type SaidToPage =
  | { readonly t: "open"; readonly hash: string }
  | { readonly t: "shows"; readonly conversation: string }
  | { readonly t: "mend" };

/** All tabs with the page. Other pages of this origin, such as the api's documentation, are none. */
export async function allTabs(): Promise<readonly Tab[]> {
  const tabs = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  return tabs.filter(({ url }) => new URL(url).pathname === PAGE);
}

/** Whether a tab says yes to a question. One that says nothing in `ms`, as when it is frozen, says no. */
export async function ask(tab: Tab, question: SaidToPage, ms: number): Promise<boolean> {
  const { port1: port, port2: theirs } = new MessageChannel();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => {
    resolve(false);
  }, ms);
  port.addEventListener("message", ({ data }) => {
    resolve(data === true);
  });
  port.start();
  tab.postMessage(question, [theirs]);
  const isYes = await promise;
  clearTimeout(timer);
  port.close();
  return isYes;
}

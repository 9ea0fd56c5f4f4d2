import { useSyncExternalStore } from "react";
import type { Live } from "@jichat/client";

const nothing = (): void => undefined;
export const subscribeToNothing = (): (() => void) => nothing;

/**
 * The present value of `live`. The component renders again when it changes, and only then. `initial` stands
 * for it where there is no chat: on a server, in the first render of a page that a server made, and until the
 * chat is open.
 */
export function useLive<T>(live: Live<T> | undefined, initial: T): T {
  const atFirst = (): T => initial;
  return useSyncExternalStore(live?.subscribe ?? subscribeToNothing, live?.get ?? atFirst, atFirst);
}

/** The part of a browser's document that says whether somebody can see the page. */
export interface Page extends Pick<EventTarget, "addEventListener" | "removeEventListener"> {
  readonly visibilityState: string;
}

/** Workers and platforms other than browsers have none. */
const browsersPage = (): Page | undefined => (globalThis as { readonly document?: Page }).document;
const CHANGE = "visibilitychange";

export interface Activity {
  /** What the application knows. */
  say(active: boolean): void;
  /** Ends the watching of the page. Safe to call twice. */
  stop(): void;
}

/**
 * Whether somebody looks at this device: the page is visible, and the application has not said otherwise.
 * Calls `tell` at once and at each change. Where neither a page nor the application says anything, nothing is
 * told.
 */
export function watchActivity(tell: (active: boolean) => void, page = browsersPage()): Activity {
  let said: boolean | undefined;
  let told: boolean | undefined;
  const look = (): void => {
    const isHidden = page?.visibilityState === "hidden";
    const active = isHidden ? false : (said ?? (page && true));
    if (active === undefined || active === told) return;
    told = active;
    tell(active);
  };
  page?.addEventListener(CHANGE, look);
  look();
  return {
    say: (active) => {
      said = active;
      look();
    },
    stop: () => page?.removeEventListener(CHANGE, look),
  };
}

/** The part of a browser's document that says whether somebody can see the page. */
export interface Page extends Pick<EventTarget, "addEventListener" | "removeEventListener"> {
  readonly visibilityState: string;
}

/** Workers and platforms other than browsers have none. */
const browsersPage = (): Page | undefined => (globalThis as { readonly document?: Page }).document;
const CHANGE = "visibilitychange";

export interface Activity {
  /** From here on the page is watched. Safe to call twice. */
  start(): void;
  stop(): void;
  /** What the application knows. */
  say(active: boolean): void;
  /** A new connection knows nothing yet. */
  welcomed(): void;
}

/**
 * Whether somebody looks at this device: the page is visible, and the application has not said otherwise. It
 * is told at each change and after each welcome, since the server knows it of one connection only. Where
 * neither a page nor the application says anything, nothing is told.
 */
export function activityOf(tell: (active: boolean) => void, page = browsersPage()): Activity {
  let said: boolean | undefined;
  /** What the present connection was told. */
  let told: boolean | undefined;
  const look = (): void => {
    const isHidden = page?.visibilityState === "hidden";
    const active = isHidden ? false : (said ?? (page && true));
    if (active === undefined || active === told) return;
    told = active;
    tell(active);
  };
  return {
    start: () => page?.addEventListener(CHANGE, look),
    stop: () => page?.removeEventListener(CHANGE, look),
    say: (active) => {
      said = active;
      look();
    },
    welcomed: () => {
      told = undefined;
      look();
    },
  };
}

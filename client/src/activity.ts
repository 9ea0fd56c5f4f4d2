/** The part of a browser's document that says whether somebody can see the page. */
export interface Page extends Pick<EventTarget, "addEventListener" | "removeEventListener"> {
  readonly visibilityState: string;
}

/** Workers and platforms other than browsers have none. */
const browsersPage = (): Page | undefined => (globalThis as { readonly document?: Page }).document;

/**
 * Whether somebody looks at this device: the page is visible, and the application has not said otherwise. It
 * is told at each change and after each welcome, since the server knows it of one connection only. Where
 * neither a page nor the application says anything, nothing is told.
 */
export class Activity {
  readonly #page: Page | undefined;
  readonly #tell: (isActive: boolean) => void;
  readonly #look = (): void => {
    this.#changed();
  };
  #isWatching = false;
  #said: boolean | undefined;
  /** What the present connection was told. */
  #told: boolean | undefined;

  constructor(tell: (isActive: boolean) => void, page: Page | undefined = browsersPage()) {
    this.#tell = tell;
    this.#page = page;
  }

  /** Safe to call twice. */
  start(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#page?.addEventListener("visibilitychange", this.#look);
  }

  stop(): void {
    this.#isWatching = false;
    this.#page?.removeEventListener("visibilitychange", this.#look);
  }

  say(isActive: boolean): void {
    this.#said = isActive;
    this.#changed();
  }

  /** A new connection knows nothing yet. */
  welcomed(): void {
    this.#told = undefined;
    this.#changed();
  }

  #changed(): void {
    const isVisible = this.#page === undefined ? undefined : this.#page.visibilityState !== "hidden";
    const isActive = isVisible === false ? false : (this.#said ?? isVisible);
    if (isActive === undefined || isActive === this.#told) return;
    this.#told = isActive;
    this.#tell(isActive);
  }
}

import { Window } from "happy-dom";
import { act, createElement, StrictMode } from "react";
import type { FunctionComponent, ReactElement } from "react";

const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
// React DOM looks for a document when it is loaded.
const { createRoot, hydrateRoot } = await import("react-dom/client");

type Root = ReturnType<typeof createRoot>;

/** A component that a test mounts into a document, as an application's page does. */
export class Screen {
  readonly #container = document.createElement("div");
  #root: Root | undefined;
  /** What React complained of that was not thrown, such as a page that a server made otherwise. */
  readonly faults: unknown[] = [];

  /** Its text, as a reader sees it. */
  get text(): string {
    return this.#container.textContent;
  }

  async show(element: ReactElement): Promise<void> {
    await act(async () => {
      this.#root ??= createRoot(this.#container);
      this.#root.render(element);
    });
  }

  /** Takes over a page that a server made. */
  async hydrate(html: string, element: ReactElement): Promise<void> {
    this.#container.innerHTML = html;
    const onRecoverableError = (fault: unknown): void => {
      this.faults.push(fault);
    };
    await act(async () => {
      this.#root = hydrateRoot(this.#container, element, { onRecoverableError });
    });
  }

  async leave(): Promise<void> {
    await act(async () => {
      this.#root?.unmount();
    });
  }
}

/** Everything twice, as React does while an application is developed. */
export const strictly = (element: ReactElement): ReactElement => createElement(StrictMode, null, element);

/** A component that shows what a hook returns, and each value that it was rendered with. */
export function probe<T>(
  use: () => T,
  textOf: (value: T) => string = String,
): { readonly Probe: FunctionComponent; readonly rendered: T[]; readonly last: () => T } {
  const rendered: T[] = [];
  const Probe: FunctionComponent = () => {
    const value = use();
    rendered.push(value);
    return createElement("p", null, textOf(value));
  };
  const last = (): T => {
    const value = rendered.at(-1);
    if (value === undefined) throw new Error("nothing was rendered yet");
    return value;
  };
  return { Probe, rendered, last };
}

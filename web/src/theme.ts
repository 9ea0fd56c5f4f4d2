export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "jichat-theme";

export const theme = (): Theme => THEMES.find((name) => name === localStorage.getItem(KEPT)) ?? "auto";

/** Applies light or dark regardless of the system's setting; `auto` follows the system. */
export function wear(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  document.documentElement.dataset["theme"] = chosen;
}

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "jichat-theme";

export const theme = (): Theme => THEMES.find((name) => name === localStorage.getItem(KEPT)) ?? "auto";

/** Light or dark, whatever the system is; `auto` follows it. */
export function wear(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  document.documentElement.dataset["theme"] = chosen;
}

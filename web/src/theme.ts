export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** What the system's bars around the page look like, as its header does. */
const BARS = { light: "#ffffff", dark: "#181e28" };

const KEPT = "jichat-theme";

export const theme = (): Theme => THEMES.find((name) => name === localStorage.getItem(KEPT)) ?? "auto";

/** Applies light or dark regardless of the system's setting; `auto` follows the system. */
export function wear(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  document.documentElement.dataset["theme"] = chosen;
  for (const bar of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]'))
    bar.content = BARS[chosen === "auto" ? (bar.media.includes("dark") ? "dark" : "light") : chosen];
}

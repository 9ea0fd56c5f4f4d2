import { readdirSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "vitepress";

const DOCS = join(import.meta.dirname, "..");

/** Pages that have a number, by that number: what is in the folder is on the site. */
const numbered = (folder: string): { text: string; link: string }[] =>
  readdirSync(join(DOCS, folder))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => ({
      text: `${name.slice(0, 4)} ${name.slice(5, -3).replaceAll("-", " ")}`,
      link: `/${folder}/${name.slice(0, -3)}`,
    }));
const decisions = numbered("adr");
const measurements = numbered("results");

/** Pages that `make docs` writes first (docs/src/site.ts). */
const generated = existsSync(join(DOCS, "reference"))
  ? [
      { text: "REST", link: "/reference/rest" },
      { text: "SDK", link: "/reference/sdk/" },
    ]
  : [];

export default defineConfig({
  title: "JiChat",
  description: "Instant messaging that Kubernetes runs: ordered, durable, synced across devices",
  cleanUrls: false,
  lastUpdated: false,
  metaChunk: true,
  markdown: {
    config: (md) => {
      // Links into the source tree have no page here: they stay as their text.
      md.core.ruler.push("source-links", (state) => {
        for (const { children } of state.tokens) {
          let isOut = false;
          for (const token of children ?? []) {
            const href = token.type === "link_open" ? String(token.attrGet("href")) : "";
            const page = String((state.env as { relativePath?: string }).relativePath ?? "");
            if (token.type === "link_open" && join(dirname(page), href).startsWith("../")) isOut = true;
            if (!isOut) continue;
            if (token.type === "link_open" || token.type === "link_close") {
              isOut = token.type === "link_open";
              token.type = "text";
              token.content = "";
              token.nesting = 0;
            }
          }
        }
      });
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Get started", link: "/getting-started" },
      { text: "Concepts", link: "/concepts" },
      { text: "Operate", link: "/operations" },
      { text: "Results", link: "/results" },
    ],
    sidebar: [
      {
        text: "Begin",
        items: [
          { text: "Get started", link: "/getting-started" },
          { text: "Concepts", link: "/concepts" },
        ],
      },
      {
        text: "Build an app",
        items: [
          { text: "Add chat to your app", link: "/add-chat" },
          { text: "Tokens and your own accounts", link: "/own-accounts" },
          { text: "Offline and persistence", link: "/offline" },
          { text: "Browser origins", link: "/browser-origins" },
          { text: "Errors", link: "/errors" },
          { text: "Limits", link: "/limits" },
          { text: "Troubleshooting", link: "/troubleshooting" },
          { text: "FAQ", link: "/faq" },
        ],
      },
      {
        text: "Develop",
        items: [
          { text: "The SDK", link: "/sdk" },
          { text: "Push on devices", link: "/push" },
          { text: "Wire protocol", link: "/protocol" },
          ...generated,
          { text: "Adding a verb", link: "/adding-a-verb" },
        ],
      },
      {
        text: "Run it",
        items: [
          { text: "On Kubernetes", link: "/kubernetes" },
          { text: "ChatCluster", link: "/chat-cluster" },
          { text: "Configuration", link: "/configuration" },
          { text: "Operations", link: "/operations" },
          { text: "Push", link: "/push-operations" },
          { text: "Security", link: "/security" },
          { text: "Push payloads", link: "/push-payloads" },
          { text: "Metrics", link: "/metrics" },
          { text: "Production checklist", link: "/production-checklist" },
          { text: "Security checklist", link: "/security-checklist" },
        ],
      },
      {
        text: "About",
        items: [
          { text: "Compare", link: "/compare" },
          { text: "Design", link: "/design" },
          { text: "Results", link: "/results" },
          { text: "Measurements", collapsed: true, items: measurements },
          { text: "Decisions", collapsed: true, items: decisions },
        ],
      },
    ],
  },
});

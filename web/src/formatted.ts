import MarkdownIt from "markdown-it";
import type { Token } from "markdown-it";

/** The elements that a message may consist of. Nothing that anybody writes adds another one. */
export const TAGS = [
  "a",
  "blockquote",
  "br",
  "code",
  "em",
  "hr",
  "li",
  "ol",
  "p",
  "pre",
  "s",
  "strong",
  "table",
  "tbody",
  "td",
  "th",
  "thead",
  "tr",
  "ul",
] as const;
export type Tag = (typeof TAGS)[number];

/** A part of a formatted text. Text stays text: there is no form for markup. */
export type Piece = string | Formatted;
export interface Formatted {
  readonly tag: Tag;
  readonly children: readonly Piece[];
  /** An `http:` or `https:` address. Only links have one. */
  readonly href?: string;
  /** The number of the first item of an ordered list. */
  readonly start?: number;
}

/** Markdown's headings are bold paragraphs here: a message does not interrupt the outline of the page. */
const HEADING = /^h[1-6]$/;
const WEB = /^https?:\/\//i;

/**
 * CommonMark, without what would surprise people in a chat: HTML, images, entities, indented code, underlined
 * headings, and link definitions, which show nothing. A line break is a line break.
 */
const parser = new MarkdownIt("default", {
  html: false,
  linkify: true,
  breaks: true,
  maxNesting: 20,
}).disable(["code", "entity", "html_block", "html_inline", "image", "lheading", "reference"]);
// Links lead only to the web: never to a script, a file, a program or data.
parser.validateLink = (url) => WEB.test(url);
parser.linkify.set({ fuzzyLink: true, fuzzyEmail: false });

/** The text of a message as its parts. Any text is valid. */
export const formattedOf = (text: string): readonly Piece[] => treeOf(parser.parse(text, {}));

interface Open {
  readonly tag: Tag | undefined;
  readonly children: Piece[];
  readonly href?: string;
  readonly start?: number;
}

const isTag = (name: string): name is Tag => TAGS.some((tag) => tag === name);

/** The parser's flat list of tokens, with openings and closings, as a tree. */
function treeOf(tokens: readonly Token[]): readonly Piece[] {
  const path: Open[] = [{ tag: undefined, children: [] }];
  const add = (...pieces: readonly Piece[]): void => {
    path.at(-1)?.children.push(...pieces);
  };
  for (const token of tokens) {
    if (token.nesting === 1) path.push(openingOf(token));
    else if (token.nesting === 0) add(...leafOf(token));
    else {
      const closed = path.pop();
      if (closed !== undefined) add(...elementOf(closed));
    }
  }
  return path[0]?.children ?? [];
}

function openingOf(token: Token): Open {
  const tag = tagOf(token);
  const start = Number(token.attrGet("start") ?? 1);
  const href = token.attrGet("href");
  return {
    tag,
    children: [],
    ...(tag === "a" && href !== null ? { href: String(href) } : {}),
    ...(tag === "ol" && start !== 1 ? { start } : {}),
  };
}

/** Undefined for a token whose children take its place, such as a paragraph of a dense list. */
function tagOf({ tag, hidden }: Token): Tag | undefined {
  if (hidden) return undefined;
  if (HEADING.test(tag)) return "p";
  return isTag(tag) ? tag : undefined;
}

function elementOf({ tag, children, ...rest }: Open): readonly Piece[] {
  if (tag === undefined) return children;
  if (tag === "a") return linkOf(children, rest.href);
  return [{ tag, children, ...rest }];
}

/** A link, with the host that it leads to where its label names another address. */
function linkOf(children: readonly Piece[], address: string | undefined): readonly Piece[] {
  if (address === undefined || !WEB.test(address)) return children;
  const label = plainOf(children);
  // The parser supposes HTTP where somebody wrote `example.org`. The web is HTTPS.
  const href = address === `http://${label}` ? `https://${label}` : address;
  const link: Formatted = { tag: "a", children, href };
  return isMisleading(label, href) ? [link, ` (${hostOf(href)})`] : [link];
}

const isMisleading = (label: string, href: string): boolean =>
  (parser.linkify.match(label) ?? []).some(({ url }) => hostOf(url) !== hostOf(href));

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "");

function leafOf(token: Token): readonly Piece[] {
  switch (token.type) {
    case "inline":
      return treeOf(token.children ?? []);
    case "code_inline":
      return [{ tag: "code", children: [token.content] }];
    case "fence":
      return [{ tag: "pre", children: [token.content.replace(/\n$/, "")] }];
    case "softbreak":
    case "hardbreak":
      return [{ tag: "br", children: [] }];
    case "hr":
      return [{ tag: "hr", children: [] }];
    default:
      return token.content === "" ? [] : [token.content];
  }
}

/** The text without its formatting, in one line. */
export const plainOf = (pieces: readonly Piece[]): string =>
  pieces
    .map((piece) => (typeof piece === "string" ? piece : plainPieceOf(piece)))
    .join("")
    .replaceAll(/\s+/g, " ")
    .trim();

const INLINE: ReadonlySet<Tag> = new Set(["a", "code", "em", "s", "strong"]);
const plainPieceOf = ({ tag, children }: Formatted): string => {
  const inner = children.map((child) => (typeof child === "string" ? child : plainPieceOf(child))).join("");
  return INLINE.has(tag) ? inner : ` ${inner} `;
};

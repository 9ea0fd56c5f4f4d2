import type { ComponentChildren, VNode } from "preact";
import { h } from "preact";
import { useMemo } from "preact/hooks";
import type { Formatted, Piece } from "./formatted.ts";
import { formattedOf } from "./formatted.ts";

/** Each of these takes its direction from its own text. Code always goes from left to right. */
const DIRECTED: ReadonlySet<Formatted["tag"]> = new Set(["p", "li", "ul", "ol", "blockquote", "td", "th"]);

interface Props {
  readonly text: string;
  /** Stands in the last line of the text, if there is room for it. */
  readonly tail: ComponentChildren;
}

/** The text of a message, with its formatting. It is built of elements: no text is ever taken for markup. */
export function FormattedText({ text, tail }: Props) {
  const pieces = useMemo(() => formattedOf(text), [text]);
  const last = pieces.at(-1);
  const isTailInside = typeof last === "object" && last.tag === "p";
  return (
    <div class="body">
      {pieces.map((piece) => elementOf(piece, piece === last && isTailInside ? tail : null))}
      {isTailInside ? null : tail}
    </div>
  );
}

function elementOf(piece: Piece, tail: ComponentChildren = null): VNode | string {
  if (typeof piece === "string") return piece;
  const { tag, children, href } = piece;
  const inner = children.map((child) => elementOf(child));
  if (href !== undefined) return <Link href={href}>{inner}</Link>;
  // The keyboard scrolls what is too wide.
  if (tag === "pre") return h("pre", { dir: "ltr", tabIndex: 0 }, h("code", null, inner));
  if (tag === "table") return <div class="table">{h("table", null, inner)}</div>;
  const properties = {
    ...(DIRECTED.has(tag) ? { dir: "auto" } : tag === "code" ? { dir: "ltr" } : {}),
    ...(piece.start === undefined ? {} : { start: piece.start }),
  };
  return h(tag, properties, inner, tail);
}

const Link = ({ href, children }: { readonly href: string; readonly children: ComponentChildren }) => (
  <a href={href} title={href} dir="auto" target="_blank" rel="noopener noreferrer nofollow">
    {children}
  </a>
);

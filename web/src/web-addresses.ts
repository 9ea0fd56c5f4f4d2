import { tokenize } from "linkifyjs";

/** A piece of what was said; with an address where it is one of the web. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

/** A text in its pieces. An address leads to the web alone: not to a file, a program or a script. */
export const piecesOf = (text: string): readonly Piece[] =>
  tokenize(text).map((token) => {
    const piece = { text: token.toString() };
    if (token.t !== "url") return piece;
    const href = token.toHref("https");
    return /^https?:\/\//i.test(href) ? { ...piece, href } : piece;
  });

import { tokenize } from "linkifyjs";

/** A part of a text. It has `href` if it is a web address. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

/** Splits a text into parts. Links lead only to the web, never to a file, a program or a script. */
export const piecesOf = (text: string): readonly Piece[] =>
  tokenize(text).map((token) => {
    const piece = { text: token.toString() };
    if (token.t !== "url") return piece;
    const href = token.toHref("https");
    return /^https?:\/\//i.test(href) ? { ...piece, href } : piece;
  });

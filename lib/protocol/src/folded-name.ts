/** The form that names are searched in: without case, accents, and differences of width or spaces. */
export const foldedName = (text: string): string =>
  text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().replaceAll(/\s+/g, " ").trim();

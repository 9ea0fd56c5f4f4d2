/** What a text takes on the wire: measured, since neither escapes nor UTF-8 can be told from its length. */
export const utf8Bytes = (text: string): number => Buffer.byteLength(text);

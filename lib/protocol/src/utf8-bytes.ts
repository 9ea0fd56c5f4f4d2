/** Length of a text in UTF-8 bytes. It is measured, since a text's number of characters does not tell it. */
export const utf8Bytes = (text: string): number => Buffer.byteLength(text);

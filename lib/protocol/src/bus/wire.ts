import { ChatError } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * The inner encoding: JSON with its version first (ADR 0005 has the figures). Only this package uses it. The
 * type, encoder and decoder of each message between processes are in one file beside this one.
 */
export const encodeInner = <T extends { readonly v: number }>(message: T): Uint8Array =>
  encoder.encode(JSON.stringify(message));

/** Encodes JSON that was assembled from encoded parts. */
export const encodeText = (json: string): Uint8Array => encoder.encode(json);

/**
 * Decodes UTF-8 that one of our processes wrote. Throws INTERNAL if it is not UTF-8; `what` names the message
 * in the error.
 */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ChatError("INTERNAL", `${what} is not readable`, { cause });
  }
}

/**
 * Parses a message that one of our processes wrote, and checks its version only: the writer has checked the
 * content. Throws INTERNAL.
 */
export function decodeInner<T extends { readonly v: number }>(message: Uint8Array | string, what: string): T {
  const text = typeof message === "string" ? message : textOf(message, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ChatError("INTERNAL", `${what} is not readable`, { cause });
  }
  const version = typeof value === "object" && value !== null ? (value as { v?: unknown }).v : undefined;
  if (version !== 1) {
    const said = typeof version === "number" || typeof version === "string" ? version : typeof version;
    throw new ChatError("INTERNAL", `${what} has version ${said}; this build reads version 1`);
  }
  return value as T;
}

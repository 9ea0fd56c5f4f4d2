import { ChatError } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * The inner encoding: JSON with its version first (ADR 0005 has the figures). Only this package has it: each
 * message between processes has its type, its encoder and its decoder in one file beside this one.
 */
export const encodeInner = <T extends { readonly v: number }>(message: T): Uint8Array =>
  encoder.encode(JSON.stringify(message));

/** JSON that was put together from parts which are encoded already. */
export const encodeText = (json: string): Uint8Array => encoder.encode(json);

/** Bytes of ours as text. */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ChatError("INTERNAL", `${what} is not readable`, { cause });
  }
}

/**
 * A message of ours, its version checked. What is inside was checked by the process of ours that wrote it.
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

import { BODY_BYTES_MAX } from "@jichat/protocol/limits.ts";

const encoder = new TextEncoder();
/** From this part of the limit on, the size is shown. */
const SHOWN_FROM = 0.8;

export interface TextSize {
  readonly bytes: number;
  readonly max: number;
  /** The text is near the limit, or past it. */
  readonly isShown: boolean;
  readonly isOver: boolean;
}

/**
 * The size of a message as the server counts it: the bytes of its body as compact JSON, in UTF-8. `max` is
 * `limits.bodyBytes` of the latest welcome; before the first one, the protocol's default.
 */
export function sizeOf(text: string, max = BODY_BYTES_MAX): TextSize {
  const bytes = encoder.encode(JSON.stringify({ text })).length;
  return { bytes, max, isShown: bytes >= max * SHOWN_FROM, isOver: bytes > max };
}

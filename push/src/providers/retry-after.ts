/** A provider that asks for more is asked again after this long. */
const AFTER_MS_MAX = 86_400_000;

const atMost = (ms: number): number => Math.min(Math.max(0, ms), AFTER_MS_MAX);

/**
 * Milliseconds that a `Retry-After` asks for, in seconds or as an HTTP date (RFC 9110, 10.2.3), from 0 to a
 * day. `undefined` if it is absent or neither. `now` is in ms since 1970.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return atMost(Number(text) * 1_000);
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : NaN;
  return Number.isNaN(at) ? undefined : atMost(at - now);
}

import type { QuietHours } from "@jichat/protocol/bus/push-registration.ts";

/** More zones than there are. A formatter takes a millisecond to make. */
const ZONES_MAX = 1_000;
const formatters = new Map<string, Intl.DateTimeFormat | undefined>();

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formatters.has(zone)) return formatters.get(zone);
  if (formatters.size >= ZONES_MAX) formatters.clear();
  const made = makeFormatter(zone);
  formatters.set(zone, made);
  return made;
}

function makeFormatter(zone: string): Intl.DateTimeFormat | undefined {
  try {
    const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    return new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // A zone that this build of Node does not know.
    throw error;
  }
}

/**
 * Whether a device is in its quiet hours at `now`, milliseconds since 1970. The first minute is quiet, the
 * last is not. Equal ends are no hours at all. A zone that is not known has no quiet hours: a push too many
 * is better than none for ever.
 */
export function isQuiet({ from, to, zone }: QuietHours, now: number): boolean {
  const time = formatterOf(zone)?.format(now);
  if (time === undefined) return false;
  // `HH:MM` compares like the time that it is.
  return from <= to ? from <= time && time < to : from <= time || time < to;
}

const HOUR_MS = 3_600_000;

/** The hour before and the hour after `now`, as a clock on a wall of this time zone shows them: `HH:MM`. */
export function hoursAround(now: Date, zone: string): { readonly from: string; readonly to: string } {
  const wall = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  });
  const at = (ms: number): string => wall.format(new Date(now.getTime() + ms));
  return { from: at(-HOUR_MS), to: at(HOUR_MS) };
}

/**
 * The environment's `PUSH_SCALE`, above 0 and at most 1, makes people, rates, and the queue smaller together.
 * It is for work on the figures themselves: what is measured with it says nothing.
 */
const SCALE = scaleOf(process.env["PUSH_SCALE"] ?? "1");

function scaleOf(text: string): number {
  const scale = Number(text);
  if (!(scale > 0 && scale <= 1)) throw new Error(`PUSH_SCALE is ${text}: it has to be above 0, up to 1`);
  return scale;
}

/** At least two, and even: people come in pairs. */
export const scaled = (value: number): number => Math.max(2, 2 * Math.round((value * SCALE) / 2));
export const isSmall = SCALE < 1;

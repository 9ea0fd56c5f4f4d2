/** The golden angle in degrees. Multiples of it keep neighbouring hues far apart. */
const TURN = 137.508;

/** Each name has its own hue, the same on every device. */
function hueOf(name: string): number {
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 9_973;
  return Math.round((sum * TURN) % 360);
}

interface Props {
  readonly name: string;
  /** What the colour comes from: somebody keeps theirs with a new name. */
  readonly seed?: string;
  readonly isGroup?: boolean;
}

export function Face({ name, seed = name, isGroup = false }: Props) {
  const [first = "?"] = name;
  return (
    <span class={isGroup ? "face group" : "face"} style={{ "--hue": hueOf(seed) }} aria-hidden="true">
      {first.toUpperCase()}
    </span>
  );
}

/** Turned by it, neighbours come to lie far apart (the golden angle, in degrees). */
const TURN = 137.508;

/** Everybody has a colour of their own, the same on every device. */
function hueOf(name: string): number {
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 9_973;
  return Math.round((sum * TURN) % 360);
}

export function Face({ name, isGroup = false }: { readonly name: string; readonly isGroup?: boolean }) {
  const [first = "?"] = name;
  return (
    <span class={isGroup ? "face group" : "face"} style={{ "--hue": hueOf(name) }} aria-hidden="true">
      {first.toUpperCase()}
    </span>
  );
}

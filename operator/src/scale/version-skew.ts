interface Version {
  readonly major: number;
  readonly minor: number;
}

function parsed(text: string): Version | undefined {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})\.\d+(?:[-+].*)?$/.exec(text) ?? [];
  return major === undefined || minor === undefined
    ? undefined
    : { major: Number(major), minor: Number(minor) };
}

/** The neighbour of `from` on the way to `to`, for people. */
function stepOf(from: Version, to: Version): string {
  const isUp = from.major < to.major || (from.major === to.major && from.minor < to.minor);
  if (isUp && from.major < to.major) return `a ${from.major + 1}.0`;
  if (isUp) return `a ${from.major}.${from.minor + 1}`;
  return from.minor > 0 ? `a ${from.major}.${from.minor - 1}` : `the last ${from.major - 1}`;
}

/**
 * Why there is no direct way from one version to the other: they run side by side meanwhile, and only
 * neighbours are proven to. Undefined if there is one. Tags that are no versions are let through, since
 * nothing is known of their distance: the canary judges them.
 */
export function skewRefused(from: string, to: string): string | undefined {
  const [a, b] = [parsed(from), parsed(to)];
  if (a === undefined || b === undefined) return undefined;
  const isNeighbour =
    a.major === b.major
      ? Math.abs(a.minor - b.minor) <= 1
      : Math.abs(a.major - b.major) === 1 && (a.major < b.major ? b.minor : a.minor) === 0;
  if (isNeighbour) return undefined;
  return `version ${to} is more than one minor version from ${from}, and the two have to run side by side: set spec.version to ${stepOf(a, b)} first`;
}

/** Users who may have a device that receives pushes. There may be more of them than have one. */
export interface Candidates {
  has(user: string): boolean;
}

export const NO_CANDIDATES: Candidates = new Set<string>();
/** As long as the set of them is not complete. */
export const EVERYBODY: Candidates = { has: () => true };

/**
 * Reads what the script `publish` says of `users`: a digit for each, or nothing if it has no complete set.
 */
export function readCandidates(users: readonly string[], digits: string): Candidates {
  if (users.length === 0) return NO_CANDIDATES;
  if (digits === "") return EVERYBODY;
  let found: Set<string> | undefined;
  for (let at = digits.indexOf("1"); at >= 0; at = digits.indexOf("1", at + 1))
    (found ??= new Set()).add(users[at] ?? "");
  return found ?? NO_CANDIDATES;
}

export function candidatesOfBoth(one: Candidates, other: Candidates): Candidates {
  if (one === NO_CANDIDATES || other === EVERYBODY) return other;
  if (other === NO_CANDIDATES || one === EVERYBODY) return one;
  return { has: (user) => one.has(user) || other.has(user) };
}

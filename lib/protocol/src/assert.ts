/** Throws an Error unless `holds`. A broken invariant is always a defect, never an answer to a client. */
export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`);
}

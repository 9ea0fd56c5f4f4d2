/** Living owners and leases, as one process sees them. */
export interface LeaseView {
  /** Living owners. A draining one keeps no partition. */
  readonly owners: ReadonlyMap<string, { readonly draining: boolean }>;
  /** Owner by partition. A partition that was never held is absent. */
  readonly leases: ReadonlyMap<number, string>;
}

export interface SharePlan {
  /** Free partitions that `me` takes. */
  readonly claim: readonly number[];
  /** Partitions of `me` that are in another owner's share. */
  readonly give: readonly { readonly partition: number; readonly to: string }[];
}

/**
 * How many partitions each living owner should hold: as even as possible, and the same from every process's
 * view.
 */
export function quotas(view: LeaseView, partitions: number): Map<string, number> {
  const staying = [...view.owners]
    .filter(([, owner]) => !owner.draining)
    .map(([id]) => id)
    .sort();
  const least = Math.floor(partitions / Math.max(1, staying.length));
  const extra = partitions - least * staying.length;
  return new Map(staying.map((id, index) => [id, least + (index < extra ? 1 : 0)]));
}

/** Plans what `me` takes and gives. Pure, so that every owner comes to the same result from the same view. */
export function planShare(me: string, view: LeaseView, partitions: number): SharePlan {
  const quota = quotas(view, partitions);
  const held = new Map<string, number>();
  const mine: number[] = [];
  const free: number[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const owner = view.leases.get(partition);
    if (owner === undefined || !view.owners.has(owner)) free.push(partition);
    else held.set(owner, (held.get(owner) ?? 0) + 1);
    if (owner === me) mine.push(partition);
  }
  // The same list in every process, so that two owners rarely want the same free partition.
  const wanting = [...quota].flatMap(([id, count]) =>
    Array.from({ length: Math.max(0, count - (held.get(id) ?? 0)) }, () => id),
  );
  const claim = free.filter((_, index) => wanting[index] === me);
  // Free partitions are not given away: owners below their share claim them.
  const takers = wanting.filter((id) => id !== me).slice(0, Math.max(0, wanting.length - free.length));
  const surplus = mine.slice(quota.get(me) ?? 0);
  const give = surplus
    .slice(0, takers.length)
    .map((partition, index) => ({ partition, to: takers[index] ?? me }));
  return { claim, give };
}

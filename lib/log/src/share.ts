/** Who is alive, and who holds what, as one process sees it. */
export interface LeaseView {
  /** Living owners; a draining one keeps nothing. */
  readonly owners: ReadonlyMap<string, { readonly draining: boolean }>;
  /** Partition to owner; a partition that nobody ever held is absent. */
  readonly leases: ReadonlyMap<number, string>;
}

export interface SharePlan {
  /** Free partitions that are mine to take. */
  readonly claim: readonly number[];
  /** Partitions of mine that belong to somebody else's share. */
  readonly give: readonly { readonly partition: number; readonly to: string }[];
}

/** How many partitions each living owner is to hold: as even as P allows, the same from everybody's view. */
export function quotas(view: LeaseView, partitions: number): Map<string, number> {
  const staying = [...view.owners]
    .filter(([, owner]) => !owner.draining)
    .map(([id]) => id)
    .sort();
  const least = Math.floor(partitions / Math.max(1, staying.length));
  const extra = partitions - least * staying.length;
  return new Map(staying.map((id, index) => [id, least + (index < extra ? 1 : 0)]));
}

/** My part of an even sharing. Pure, so that every owner reaches the same conclusion from the same view. */
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
  const claim = free.slice(0, Math.max(0, (quota.get(me) ?? 0) - mine.length));
  // What is free is not given away by me: those below their share claim it themselves.
  const wanting = [...quota].flatMap(([id, count]) =>
    Array.from({ length: Math.max(0, count - (held.get(id) ?? 0)) }, () => id),
  );
  const takers = wanting.filter((id) => id !== me).slice(0, Math.max(0, wanting.length - free.length));
  const surplus = mine.slice(quota.get(me) ?? 0);
  const give = surplus
    .slice(0, takers.length)
    .map((partition, index) => ({ partition, to: takers[index] ?? me }));
  return { claim, give };
}

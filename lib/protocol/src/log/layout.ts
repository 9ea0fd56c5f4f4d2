/**
 * What a cluster was made with. `partitions` can never change: it is part of where every conversation
 * stands.
 */
export interface Layout {
  readonly version: number;
  readonly partitions: number;
}

export const layoutText = (layout: Layout): string => JSON.stringify(layout);

/** The caller judges the version: a newer one has the same two fields. */
export const readLayout = (text: string): Layout => JSON.parse(text) as Layout;

import { facetOf } from "./facet.ts";
import type { FacetValues } from "./state.ts";
import { FACETS } from "./tables.ts";

/** Facets as `synced` shows them to a member who sees events from `first` on. Empty ones are left out. */
export function shownFacets(
  facets: FacetValues | undefined,
  first: number,
): Readonly<Record<string, unknown>> {
  if (facets === undefined) return {};
  return Object.fromEntries(
    FACETS.flatMap((facet) => {
      const shown = facet.shown(facetOf({ facets }, facet), first);
      return shown === undefined ? [] : [[facet.name, shown]];
    }),
  );
}

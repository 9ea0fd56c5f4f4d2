import type { ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { FacetValues } from "./state.ts";

/** What a listed conversation has besides facets: no facet takes the name of one of these. */
type Listed =
  | "conversation"
  | "kind"
  | "name"
  | "peer"
  | "first"
  | "head"
  | "read"
  | "unread"
  | "muted"
  | "settingsAt"
  | "last";

/**
 * A part of a conversation's state beyond its members and its name. It travels as JSON in snapshots, facts
 * and heads, and is shown to members in `synced` under its name. A facet therefore needs a bound in bytes.
 */
export interface Facet<T> {
  readonly name: Exclude<keyof ListedConversation, Listed>;
  /** JSON Schema of what is shown, for OpenAPI. */
  readonly schema: object;
  /** The value of a conversation that has none; never stored. */
  readonly empty: T;
  /** What a member who sees events from `first` on is shown; `undefined` if there is nothing to show. */
  shown(value: T, first: number): unknown;
}

/** A conversation's value of this facet. */
export const facetOf = <T>({ facets }: { readonly facets: FacetValues }, { name, empty }: Facet<T>): T =>
  (facets[name] as T | undefined) ?? empty;

/** Replaces the value. An empty value is removed. */
export function setFacet<T>(state: { facets: FacetValues }, { name, empty }: Facet<T>, value: T): void {
  const { [name]: _, ...others } = state.facets;
  state.facets = value === empty ? others : { ...others, [name]: value };
}

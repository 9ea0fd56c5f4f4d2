import type { View } from "./state.ts";

/**
 * Only who made a group may remove its members, also after a time away. Servers decide by it, and pages show
 * it.
 */
export const mayRemoveMembers = (
  { creator }: { readonly creator: View["creator"] | undefined },
  user: string,
): boolean => creator === user;

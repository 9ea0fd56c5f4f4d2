import type { ChatCluster } from "../crd/definition.ts";
import { REBALANCE_MAX } from "../crd/status.ts";

/** On a ChatCluster: any new value asks that connectors are made level now (`kubectl chat rebalance`). */
export const REBALANCE_ANNOTATION = "chat.jichat.io/rebalance";

/** What a person asked for last, unless it is done. */
export function askedOf({ metadata, status }: Pick<ChatCluster, "metadata" | "status">): string | undefined {
  const asked = metadata.annotations?.[REBALANCE_ANNOTATION]?.slice(0, REBALANCE_MAX);
  return asked === undefined || asked === "" || asked === status?.rebalanced ? undefined : asked;
}

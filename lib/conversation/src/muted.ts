import type { Muted, OwnSettings } from "@jichat/protocol/frame/server-frame.ts";

/** How a conversation is muted at `now` (milliseconds since 1970). A mute that has ended counts as none. */
export const mutedAt = (settings: OwnSettings | undefined, now: number): Muted | undefined =>
  settings?.muted === undefined || (settings.muted.until ?? Infinity) <= now ? undefined : settings.muted;

/**
 * Whether a message is muted for `user`, whose own settings in its conversation these are. `mentions` are the
 * message's, `now` is in milliseconds since 1970.
 */
export function isMutedFor(
  { user, settings }: { readonly user: string; readonly settings?: OwnSettings | undefined },
  mentions: readonly string[] | undefined,
  now: number,
): boolean {
  const muted = mutedAt(settings, now);
  if (muted === undefined) return false;
  return muted.mentionsOnly !== true || mentions?.includes(user) !== true;
}

import type { Told } from "./ports.ts";

const mentions = (message: Told, user: string): boolean => message.mentions?.includes(user) === true;

/** The message as one user is told of it: with no other mention than theirs. */
export function toldTo(user: string, message: Told): Told {
  const { mentions: all, ...rest } = message;
  if (all === undefined) return message;
  return mentions(message, user) ? { ...rest, mentions: [user] } : rest;
}

/**
 * The later of two messages, for both. If only the earlier one mentions the user, it does so in the name of
 * its author: what stands for several messages tells no other name.
 */
export const laterOf = (user: string, earlier: Told, later: Told): Told =>
  mentions(earlier, user) && !mentions(later, user)
    ? { ...later, from: earlier.from, mentions: [user] }
    : later;

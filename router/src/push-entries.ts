import type { Candidates } from "@jichat/presence/candidates.ts";
import { NO_CANDIDATES } from "@jichat/presence/candidates.ts";
import type { QueuedMessage, QueuedRead } from "@jichat/protocol/bus/push.ts";
import { previewOf } from "@jichat/protocol/bus/push.ts";
import { isDirect } from "@jichat/protocol/ids.ts";
import type { EffectUnit, EventEffect } from "./effect-unit.ts";

/** What the push queue is told of one message or one read mark. */
export type PushEntry = QueuedMessage | QueuedRead;

/** What an entry needs of an event, as `addEffect` has encoded it. */
interface SaidFrame {
  readonly no: number;
  readonly body?: { readonly text?: unknown };
  readonly mentions?: readonly string[];
}

/**
 * The entries of a unit's messages for the candidates among their recipients, and of the read marks of
 * candidates that it moves. A unit without candidates costs nothing.
 */
export function pushEntriesOf(unit: EffectUnit, candidates: Candidates): readonly PushEntry[] {
  if (candidates === NO_CANDIDATES) return [];
  const entries: PushEntry[] = [];
  // Events for the same users share one array of recipients (`EventEffect`).
  const known = new Map<readonly string[], readonly string[]>();
  for (const event of unit.events) {
    const { author, recipients } = event;
    if (author === undefined) continue;
    let named = known.get(recipients);
    if (named === undefined) {
      named = recipients.filter((user) => candidates.has(user));
      known.set(recipients, named);
    }
    const to = named.includes(author) ? named.filter((user) => user !== author) : named;
    if (to.length > 0) entries.push(messageOf(event, author, to));
  }
  for (const { user, entry, isRead } of unit.entries.values()) {
    const { conversation, mark: seq, markNo: no } = entry;
    if (isRead && candidates.has(user)) entries.push({ is: "read", conversation, user, seq, no });
  }
  return entries;
}

/** Reads the event's frame, since only messages with candidates need what else it holds. */
function messageOf(
  { conversation, seq, name, recipients, delivered: { frame, ts, trace } }: EventEffect,
  author: string,
  to: readonly string[],
): QueuedMessage {
  const { no, body, mentions = [] } = JSON.parse(frame) as SaidFrame;
  const named = mentions.length === 0 ? [] : amongOf(to, mentions);
  const preview = previewOf(body?.text);
  return {
    is: "message",
    conversation,
    seq,
    no,
    from: author,
    ts,
    ...(named.length === 0 ? {} : { mentions: named }),
    ...(preview === "" ? {} : { preview }),
    ...(name === undefined ? {} : { name }),
    ...(isDirect(conversation) ? { isDirect: true } : {}),
    members: recipients.length,
    ...(trace === undefined ? {} : { trace }),
    to,
  };
}

/** Those of `users` who are in `to`, each once. */
export function amongOf(to: readonly string[], users: Iterable<string>): readonly string[] {
  const wanted = new Set(users);
  return to.filter((user) => wanted.has(user));
}

import { ChatError } from "@jichat/protocol/errors.ts";
import { body, clientId, id, optional, seq, users } from "@jichat/protocol/field.ts";
import { EDIT_WINDOW_MS } from "@jichat/protocol/limits.ts";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { facetOf } from "./facet.ts";
import type { Kind } from "./kind.ts";
import { pins } from "./pin.ts";
import type { Look, Draft } from "./verb.ts";
import type { View } from "./state.ts";
import { IN_CONVERSATION, memberOf, verb, visibleMessage } from "./verb.ts";

export const message: Kind = {
  level: 0,
  fields: { body, replyTo: optional(seq(1)), mentions: optional(users(0)) },
  isMessage: true,
  // A sender has read everything before the message.
  apply: (state, { from }, place) => {
    state.mark(from, place);
  },
  lists: ({ from }) => [from],
};

const changeRow: NonNullable<Kind["rows"]> = (add, event) => {
  const { conversation, target = 0, seq: at, kind, body: text = "" } = event;
  add("edits", [conversation, target, at, kind, text]);
};

export const edited: Kind = {
  level: 0,
  fields: { target: seq(1), body },
  rows: changeRow,
};

export const recalled: Kind = {
  level: 0,
  fields: { target: seq(1) },
  apply: (state, { target = 0 }) => {
    state.recall(target);
  },
  rows: changeRow,
};

/** An event that was acknowledged and whose log is gone (a new generation). Only its seq is known. */
export const lost: Kind = { level: 0, fields: {} };

export const send = verb({
  level: 0,
  frame: {
    id: clientId,
    conversation: optional(id),
    to: optional(id),
    body,
    replyTo: optional(seq(1)),
    mentions: optional(users(0)),
  },
  rest: "POST /v1/conversations/{conversation}/messages",
  notInRest: ["to"],
  summary: "Sends a message",
  check: ({ conversation, to }) => {
    if ((conversation === undefined) === (to === undefined))
      throw new ChatError("FRAME_MALFORMED", "a send names either `conversation` or `to`, not both");
  },
  named: ({ to }) => (to === undefined ? [] : [to]),
  isLarge: ({ to }) => to !== undefined,
  decide: (view, user, { to, body: text, replyTo, mentions }) => {
    const said: Draft = {
      kind: "message",
      body: text,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(mentions === undefined ? {} : { mentions }),
    };
    if (view.head === 0 && to !== undefined) {
      if (replyTo !== undefined)
        throw new ChatError("NOT_FOUND", "`replyTo` names no event of this conversation");
      return [{ kind: "created", users: [...new Set([user, to])] }, said];
    }
    const { first } = memberOf(view, user);
    if (replyTo !== undefined && (replyTo > view.head || replyTo < first))
      throw new ChatError("NOT_FOUND", "`replyTo` names no event that you can see");
    return [said];
  },
});

/** The message at seq `at`, if `user` may still change it. Throws NOT_FOUND, FORBIDDEN or CONFLICT. */
function own(view: View, user: string, at: number, look: Look): EventFacts {
  const target = visibleMessage(view, user, at, look);
  if (target.from !== user) throw new ChatError("FORBIDDEN", "only its sender may edit or recall a message");
  if (target.recalled === true) throw new ChatError("CONFLICT", "this message was recalled already");
  if (look.ts - target.ts > EDIT_WINDOW_MS)
    throw new ChatError("CONFLICT", "this message is older than 24 hours");
  return target;
}

export const edit = verb({
  level: 0,
  frame: { ...IN_CONVERSATION, seq: seq(1), body },
  rest: "PUT /v1/conversations/{conversation}/messages/{seq}",
  summary: "Replaces the body of one of the caller's messages",
  decide: (view, user, { seq: at, body: text }, look) => {
    own(view, user, at, look);
    return [{ kind: "edited", target: at, body: text }];
  },
});

export const recall = verb({
  level: 0,
  frame: { ...IN_CONVERSATION, seq: seq(1) },
  rest: "DELETE /v1/conversations/{conversation}/messages/{seq}",
  summary: "Recalls one of the caller's messages",
  isLarge: () => true, // It may unpin the message too.
  decide: (view, user, { seq: at }, look) => {
    own(view, user, at, look);
    const taken: Draft = { kind: "recalled", target: at };
    const isPinned = facetOf(view, pins).includes(at);
    return isPinned ? [{ kind: "unpinned", target: at }, taken] : [taken];
  },
});

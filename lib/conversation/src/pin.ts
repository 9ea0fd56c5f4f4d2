import { ChatError } from "@jichat/protocol/errors.ts";
import { seq } from "@jichat/protocol/field.ts";
import type { Facet } from "./facet.ts";
import { facetOf, setFacet } from "./facet.ts";
import type { Kind } from "./kind.ts";
import { IN_CONVERSATION, memberOf, verb, visibleMessage } from "./verb.ts";

/** Most pinned messages of one conversation. Their seqs are part of its head, which every device receives. */
export const PINS_MAX = 100;

const NONE: readonly number[] = [];

/** Seqs of pinned messages, the latest pinned last. */
export const pins: Facet<readonly number[]> = {
  name: "pins",
  schema: {
    type: "array",
    items: { type: "integer", minimum: 1 },
    maxItems: PINS_MAX,
    description: "seqs of pinned messages that you can see, the latest pinned last",
  },
  empty: NONE,
  shown: (value, first) => {
    const visible = value.filter((one) => one >= first);
    return visible.length === 0 ? undefined : visible;
  },
};

export const pinned: Kind = {
  level: 1,
  fields: { target: seq(1) },
  isFolded: true,
  apply: (state, { target = 0 }) => {
    setFacet(state, pins, [...without(facetOf(state, pins), target), target]);
  },
};

export const unpinned: Kind = {
  level: 1,
  fields: { target: seq(1) },
  isFolded: true,
  apply: (state, { target = 0 }) => {
    const left = without(facetOf(state, pins), target);
    setFacet(state, pins, left.length === 0 ? NONE : left);
  },
};

const without = (value: readonly number[], target: number): readonly number[] =>
  value.filter((one) => one !== target);

export const pin = verb({
  level: 1,
  frame: { ...IN_CONVERSATION, seq: seq(1) },
  rest: "PUT /v1/conversations/{conversation}/messages/{seq}/pin",
  summary: "Pins a message for all members",
  decide: (view, user, { seq: target }, look) => {
    const { recalled } = visibleMessage(view, user, target, look);
    if (recalled === true) throw new ChatError("CONFLICT", "this message was recalled");
    const already = facetOf(view, pins);
    if (already.includes(target)) return "unchanged";
    if (already.length >= PINS_MAX)
      throw new ChatError("CONFLICT", `a conversation has at most ${PINS_MAX} pinned messages`);
    return [{ kind: "pinned", target }];
  },
});

export const unpin = verb({
  level: 1,
  frame: { ...IN_CONVERSATION, seq: seq(1) },
  rest: "DELETE /v1/conversations/{conversation}/messages/{seq}/pin",
  summary: "Unpins a message",
  decide: (view, user, { seq: target }) => {
    const { first } = memberOf(view, user);
    const isPinned = target >= first && facetOf(view, pins).includes(target);
    return isPinned ? [{ kind: "unpinned", target }] : "unchanged";
  },
});

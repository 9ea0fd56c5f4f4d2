import { ChatError } from "@jichat/protocol/errors.ts";
import { clientId, literal, name, optional, users } from "@jichat/protocol/field.ts";
import { GROUP_MEMBERS_MAX } from "@jichat/protocol/limits.ts";
import type { AddRow, Kind, Origin } from "./kind.ts";
import { NOBODY } from "./kind.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { mayRemoveMembers } from "./rights.ts";
import { IN_CONVERSATION, memberOf, mustBeGroup, verb } from "./verb.ts";

/** Adds a row of `memberships` for each user who joins or leaves. */
const memberships =
  (isJoined: 0 | 1) =>
  (
    add: AddRow,
    { users: moved = NOBODY, conversation, seq, no }: InnerEvent,
    { partition, position }: Origin,
  ) => {
    for (const user of moved)
      add("memberships", [user, conversation, seq, no, isJoined, partition, position]);
  };

/** `users` are all members at birth. */
export const created: Kind = {
  level: 0,
  fields: { users: users(1), name: optional(name) },
  isFolded: true,
  apply: (state, event, place) => {
    state.creator = event.from;
    state.name = event.name;
    state.join(event.users ?? NOBODY, place);
  },
  lists: (event) => event.users ?? NOBODY,
  rows: memberships(1),
};

/** Carries the group's name: a new member learns of the group by this event, and wants to show its name. */
export const joined: Kind = {
  level: 0,
  fields: { users: users(1), name: optional(name) },
  isFolded: true,
  apply: (state, event, place) => {
    state.join(event.users ?? NOBODY, place);
  },
  lists: (event) => event.users ?? NOBODY,
  rows: memberships(1),
};

export const left: Kind = {
  level: 0,
  fields: { users: users(1) },
  isFolded: true,
  apply: (state, event, place) => {
    state.leave(event.users ?? NOBODY, place);
  },
  lists: (event) => event.users ?? NOBODY,
  alsoTold: (event) => event.users ?? NOBODY,
  rows: memberships(0),
};

export const renamed: Kind = {
  level: 0,
  fields: { name },
  isFolded: true,
  apply: (state, event) => {
    // A row that stands for one that ClickHouse refused has no name.
    state.name = event.name ?? state.name;
  },
};

const tooMany = (): ChatError =>
  new ChatError("CONFLICT", `a group has at most ${GROUP_MEMBERS_MAX} members`);

export const create = verb({
  level: 0,
  frame: { id: clientId, kind: literal("group"), name, members: users(0) },
  rest: "POST /v1/conversations",
  summary: "Creates a group",
  named: ({ members }) => members,
  moves: ({ members }) => members,
  decide: (view, user, { name: called, members }) => {
    if (view.head > 0) throw new ChatError("CONFLICT", "this conversation exists already");
    const all = [...new Set([user, ...members])];
    if (all.length > GROUP_MEMBERS_MAX) throw tooMany();
    return [{ kind: "created", users: all, name: called }];
  },
});

export const rename = verb({
  level: 0,
  frame: { ...IN_CONVERSATION, name },
  rest: "PATCH /v1/conversations/{conversation}",
  summary: "Renames a group",
  decide: (view, user, { name: called }) => {
    memberOf(view, user);
    mustBeGroup(view);
    return [{ kind: "renamed", name: called }];
  },
});

export const invite = verb({
  level: 0,
  frame: { ...IN_CONVERSATION, users: users(1) },
  rest: "POST /v1/conversations/{conversation}/members",
  summary: "Adds users to a group",
  named: (fields) => fields.users,
  moves: (fields) => fields.users,
  isLarge: () => true,
  decide: (view, user, fields) => {
    memberOf(view, user);
    mustBeGroup(view);
    const coming = fields.users.filter((one) => !view.members.has(one));
    if (coming.length === 0) return "unchanged";
    if (view.members.size + coming.length > GROUP_MEMBERS_MAX) throw tooMany();
    return [{ kind: "joined", users: coming, ...(view.name === undefined ? {} : { name: view.name }) }];
  },
});

export const remove = verb({
  level: 0,
  frame: { ...IN_CONVERSATION, users: users(1) },
  rest: "POST /v1/conversations/{conversation}/members/remove",
  summary: "Removes users from a group that the caller created",
  moves: (fields) => fields.users,
  decide: (view, user, fields) => {
    memberOf(view, user);
    mustBeGroup(view);
    if (!mayRemoveMembers(view, user))
      throw new ChatError("FORBIDDEN", "only the creator may remove members");
    const going = fields.users.filter((one) => view.members.has(one));
    return going.length === 0 ? "unchanged" : [{ kind: "left", users: going }];
  },
});

export const leave = verb({
  level: 0,
  frame: IN_CONVERSATION,
  rest: "POST /v1/conversations/{conversation}/leave",
  summary: "Leaves a group",
  moves: (_, user) => [user],
  decide: (view, user) => {
    memberOf(view, user);
    mustBeGroup(view);
    return [{ kind: "left", users: [user] }];
  },
});

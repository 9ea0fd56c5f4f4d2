import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import {
  EDIT_WINDOW_MS,
  GROUP_MEMBERS_MAX,
  ID_CLOCK_SKEW_MS,
  RECENT_EVENTS_MAX,
  RECENT_MS,
} from "@jichat/protocol/limits.ts";
import { apply } from "./apply.ts";
import type { Conversation } from "./conversation.ts";
import { newConversation } from "./conversation.ts";
import type { Decidable } from "./decide.ts";
import { decide, surelyNew } from "./decide.ts";

const NOW = 1_800_000_000_000;
const body = "{}" as BodyText;
const source = (user: string) => ({ conversation: "g_1", user, device: "d", session: `${user}-s` });
const say = (user: string, id: string, more: object = {}): Decidable => ({
  ...source(user),
  op: "send",
  id,
  body,
  ...more,
});

/** Decides and, where it was accepted, applies: what one command makes of a conversation. */
function play(conversation: Conversation, command: Decidable, now = NOW): number | string {
  const decision = decide(conversation, command, now);
  if ("need" in decision) return "need";
  if ("refused" in decision) return decision.refused.code;
  for (const record of decision.records) apply(conversation, record, conversation.position + 1);
  return decision.answer.duplicate === true ? -decision.answer.seq : decision.answer.seq;
}

function group(): Conversation {
  const conversation = newConversation("g_1");
  assert.equal(
    play(conversation, { ...source("ann"), op: "create", id: "c", name: "G", members: ["bob"] }),
    1,
  );
  return conversation;
}

test("the first message to a user writes `created` and then the message", () => {
  const conversation = newConversation("d_1");
  const first = { ...say("ann", "1", { to: "bob" }), conversation: "d_1" } as Command as Decidable;
  assert.equal(play(conversation, first), 2);
  assert.deepEqual([...conversation.members.keys()], ["ann", "bob"]);
  assert.equal(conversation.kind, "direct");
  assert.equal(play(conversation, first), -2);
  assert.equal(
    play(conversation, { ...source("ann"), conversation: "d_1", op: "leave", id: "l" }),
    "FORBIDDEN",
  );
});

test("one id, one seq: the check for a duplicate id comes before the check for membership", () => {
  const conversation = group();
  assert.equal(play(conversation, say("bob", "1")), 2);
  assert.equal(play(conversation, { ...source("bob"), op: "leave", id: "2" }), 3);
  assert.equal(play(conversation, say("bob", "1")), -2);
  assert.equal(play(conversation, say("bob", "3")), "NOT_FOUND");
  assert.equal(play(conversation, say("ann", "1")), 4);
});

test("a user who is not a member gets NOT_FOUND for every command", () => {
  const conversation = group();
  const commands: Decidable[] = [
    say("eve", "1"),
    { ...source("eve"), op: "edit", id: "2", seq: 1, body },
    { ...source("eve"), op: "recall", id: "3", seq: 1 },
    { ...source("eve"), op: "rename", id: "4", name: "E" },
    { ...source("eve"), op: "invite", id: "5", users: ["eve"] },
    { ...source("eve"), op: "remove", id: "6", users: ["ann"] },
    { ...source("eve"), op: "leave", id: "7" },
    { ...source("eve"), op: "read", seq: 1 },
    { ...source("eve"), op: "look" },
  ];
  assert.deepEqual(
    commands.map((command) => play(conversation, command)),
    commands.map(() => "NOT_FOUND"),
  );
  assert.equal(play(newConversation("g_none"), say("ann", "1")), "NOT_FOUND");
});

test("a read mark only moves forward, stops at the head, and follows the user's own messages", () => {
  const conversation = group();
  for (let i = 0; i < 3; i += 1) play(conversation, say("ann", `m${i}`));
  const read = (seq: number): number | string => play(conversation, { ...source("bob"), op: "read", seq });
  assert.deepEqual([read(2), read(1), read(99), read(3)], [2, 2, 4, 4]);
  assert.equal(conversation.members.get("bob")?.markNo, 3);
  play(conversation, say("bob", "own"));
  assert.equal(conversation.members.get("bob")?.mark, 5);
});

test("the sender may edit and recall a message within 24 hours, and not after a recall", () => {
  const conversation = group();
  play(conversation, say("ann", "m"));
  const edit = (user: string, id: string, seq: number, now = NOW): number | string =>
    play(conversation, { ...source(user), op: "edit", id, seq, body }, now);
  assert.equal(edit("bob", "1", 2), "FORBIDDEN");
  assert.equal(edit("ann", "2", 1), "NOT_FOUND");
  assert.equal(edit("ann", "3", 99), "NOT_FOUND");
  assert.equal(edit("ann", "4", 2, NOW + EDIT_WINDOW_MS), 3);
  assert.equal(edit("ann", "5", 2, NOW + EDIT_WINDOW_MS + 1), "CONFLICT");
  assert.equal(play(conversation, { ...source("ann"), op: "recall", id: "6", seq: 2 }), 4);
  assert.equal(edit("ann", "7", 2), "CONFLICT");
});

test("a group takes up to 1,000 members, and inviting a present member is acked with the head and changes nothing", () => {
  const conversation = group();
  const invite = (id: string, users: readonly string[]): number | string =>
    play(conversation, { ...source("ann"), op: "invite", id, users });
  assert.equal(invite("1", ["bob"]), 1);
  assert.equal(conversation.head, 1);
  assert.equal(invite("1", ["bob"]), -1);
  assert.equal(
    invite(
      "2",
      Array.from({ length: GROUP_MEMBERS_MAX - 2 }, (_, i) => `u${i}`),
    ),
    2,
  );
  assert.equal(invite("3", ["one-more"]), "CONFLICT");
  assert.equal(play(conversation, { ...source("bob"), op: "remove", id: "4", users: ["u1"] }), "FORBIDDEN");
  assert.equal(play(conversation, { ...source("ann"), op: "remove", id: "5", users: ["u1", "nobody"] }), 3);
  assert.equal(conversation.members.has("u1"), false);
});

test("the time never falls along seq, and `no` counts messages only", () => {
  const conversation = group();
  play(conversation, say("ann", "1"), NOW + 500);
  play(conversation, { ...source("ann"), op: "rename", id: "2", name: "H" }, NOW - 500);
  assert.deepEqual(
    [conversation.ts, conversation.no, conversation.head, conversation.name],
    [NOW + 500, 1, 3, "H"],
  );
});

test("an id that is not in memory counts as new only if memory would have to hold it: at the limits and one past", () => {
  const known = { knownFrom: NOW, idsFrom: Number.MAX_SAFE_INTEGER };
  const later = NOW + 60_000_000;
  assert.equal(surelyNew(known, 0, NOW + ID_CLOCK_SKEW_MS, later), false);
  assert.equal(surelyNew(known, 0, NOW + ID_CLOCK_SKEW_MS + 1, later), true);
  assert.equal(surelyNew({ knownFrom: NOW, idsFrom: NOW - 10 }, 0, NOW - 10, later), false);
  assert.equal(surelyNew({ knownFrom: NOW, idsFrom: NOW - 10 }, 0, NOW - 9, later), true);
  assert.equal(
    surelyNew(known, 0, later + ID_CLOCK_SKEW_MS + 1, later),
    false,
    "made in the future: as one without a time",
  );
  assert.equal(surelyNew(known, 0, undefined, NOW + RECENT_MS), false);
  assert.equal(surelyNew(known, 0, undefined, NOW + RECENT_MS + 1), true);
  assert.equal(surelyNew(known, RECENT_EVENTS_MAX, undefined, NOW), true);
  assert.equal(
    surelyNew({ knownFrom: 0, idsFrom: 0 }, 0, 1, NOW),
    true,
    "a conversation that was never written to",
  );
});

test("a write of an unknown verb is refused alone, and the reign and its other writes go on", () => {
  const conversation = group();
  const future = { ...source("ann"), op: "react", id: "1", seq: 1 } as unknown as Decidable;
  assert.equal(play(conversation, future), "FRAME_UNKNOWN");
  for (const op of ["constructor", "__proto__", "toString"])
    assert.equal(play(conversation, { ...future, op } as unknown as Decidable), "FRAME_UNKNOWN");
  assert.equal(play(conversation, say("ann", "2")), 2);
});

import type { VerbName } from "@jichat/conversation/tables.ts";

/** How a verb appears in OpenAPI, beside its summary and its fields. */
export interface VerbOperation {
  /** Stable: generated clients name their functions after it. */
  readonly operationId: string;
  readonly tag: "conversations" | "members" | "messages";
  readonly description: string;
  /** An example of the body; a DELETE has none. */
  readonly example: Readonly<Record<string, unknown>>;
}

const id = "0199b2a4-7c1e-7d3a-9f00-5b1c2d3e4f50";

/** One row per verb. The type makes a new verb add its own. */
export const VERB_OPERATIONS: Readonly<Record<VerbName, VerbOperation>> = {
  send: {
    operationId: "sendMessage",
    tag: "messages",
    description: "For bots and back ends. The answer comes once the message is durable and numbered.",
    example: { id, body: { text: "hello" } },
  },
  edit: {
    operationId: "editMessage",
    tag: "messages",
    description: "Only its sender edits a message, within 24 hours.",
    example: { id, body: { text: "hello, all" } },
  },
  recall: {
    operationId: "recallMessage",
    tag: "messages",
    description: "Only its sender recalls a message, within 24 hours. A recall unpins it.",
    example: {},
  },
  create: {
    operationId: "createGroup",
    tag: "conversations",
    description: "The caller is a member of the group and its creator. Everybody who is named must exist.",
    example: { id, kind: "group", name: "Weekend", members: ["bob", "carol"] },
  },
  rename: {
    operationId: "renameGroup",
    tag: "conversations",
    description: "Any member renames a group. A 1-1 conversation has no name.",
    example: { id, name: "Weekend trip" },
  },
  invite: {
    operationId: "inviteMembers",
    tag: "members",
    description: "Any member invites. Whoever is a member already stays one.",
    example: { id, users: ["dave"] },
  },
  remove: {
    operationId: "removeMembers",
    tag: "members",
    description:
      "Only the creator of a group removes members. To remove somebody who is not one changes nothing.",
    example: { id, users: ["dave"] },
  },
  leave: {
    operationId: "leaveGroup",
    tag: "members",
    description: "The caller still sees what was written up to then.",
    example: { id },
  },
  read: {
    operationId: "markRead",
    tag: "messages",
    description: "A read mark never moves back, and never beyond the head.",
    example: { seq: 42 },
  },
  pin: {
    operationId: "pinMessage",
    tag: "messages",
    description: "Any member pins a message that they can see. A conversation has at most 100 pins.",
    example: { id },
  },
  unpin: {
    operationId: "unpinMessage",
    tag: "messages",
    description: "Any member unpins a message. If it is not pinned, nothing changes.",
    example: {},
  },
  mute: {
    operationId: "muteConversation",
    tag: "conversations",
    description:
      "Nobody else learns of it. It ends at `until`, at most 10 years ahead, or never. With `mentionsOnly`, messages that mention the caller are not muted. A mute replaces the one before it.",
    example: { id, mentionsOnly: true },
  },
  unmute: {
    operationId: "unmuteConversation",
    tag: "conversations",
    description: "If the conversation is not muted, nothing changes.",
    example: {},
  },
};

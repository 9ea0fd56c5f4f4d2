import type { Template } from "./template.ts";

export const en: Template = {
  noneTitle: "New messages",
  noneText: { one: "You have a new message", other: "You have {count} new messages" },
  unnamedGroup: "Group",
  directMessage: "Sent you a message",
  directText: "{text}",
  groupMessage: "{sender} sent a message",
  groupText: "{sender}: {text}",
  groupMention: "{sender} mentioned you",
  groupMentionText: "{sender} mentioned you: {text}",
  folded: { one: "{count} new message", other: "{count} new messages" },
  foldedMention: {
    one: "{count} new message, {sender} mentioned you",
    other: "{count} new messages, {sender} mentioned you",
  },
};

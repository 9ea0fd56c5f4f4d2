import type { Template } from "./template.ts";

export const zh: Template = {
  noneTitle: "新消息",
  noneText: { other: "您有 {count} 条新消息" },
  unnamedGroup: "群聊",
  directMessage: "给您发来一条消息",
  directText: "{text}",
  groupMessage: "{sender}发来一条消息",
  groupText: "{sender}：{text}",
  groupMention: "{sender}提到了您",
  groupMentionText: "{sender}提到了您：{text}",
  folded: { other: "{count} 条新消息" },
  foldedMention: { other: "{count} 条新消息，{sender}提到了您" },
};

import { useMemo } from "react";
import type { Target, Thread } from "@jichat/client";
import { useChat } from "./provider.ts";

/** The thread of a target, the same one for an equal target; `undefined` while there is no chat. */
export function useThread<B extends object>(target: Target): Thread<B> | undefined {
  const chat = useChat<B>();
  const [isUser, id] = "to" in target ? [true, target.to] : [false, target.conversation];
  return useMemo(() => chat?.thread(isUser ? { to: id } : { conversation: id }), [chat, isUser, id]);
}

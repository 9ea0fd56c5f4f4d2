import { useMemo } from "react";
import type { Body, Target, Thread, ThreadView } from "@jichat/client";
import { useLive } from "./live.ts";
import { notOpen } from "./not-open.ts";
import { useThread } from "./thread.ts";

const NOT_OPEN: ThreadView<never> = {
  conversation: undefined,
  lines: [],
  pending: [],
  hasOlder: false,
  hasNewer: false,
  loading: "latest",
  error: undefined,
};

/** What a thread does, as functions that need no `this` and stay the same from render to render. */
export type ThreadActions<B extends object> = Pick<
  Thread<B>,
  | "send"
  | "retry"
  | "discard"
  | "edit"
  | "recall"
  | "markRead"
  | "loadOlder"
  | "loadNewer"
  | "jumpToLatest"
  | "jumpTo"
>;

export interface Messages<B extends object> extends ThreadView<B>, ThreadActions<B> {}

/**
 * The messages with a user or of a conversation: the loaded lines, those that are being sent, paging both
 * ways. The newest lines are loaded when the component mounts. The same object until something in it changes.
 */
export function useMessages<B extends object = Body>(target: Target): Messages<B> {
  const thread = useThread<B>(target);
  const view = useLive<ThreadView<B>>(thread, NOT_OPEN);
  const actions = useMemo(() => actionsOf(thread), [thread]);
  return useMemo(() => ({ ...view, ...actions }), [view, actions]);
}

/** Without a thread there is nothing to load or to mark, and what would write throws UNAVAILABLE. */
function actionsOf<B extends object>(thread: Thread<B> | undefined): ThreadActions<B> {
  const open = (): Thread<B> => {
    if (thread === undefined) throw notOpen();
    return thread;
  };
  return {
    send: (body, options) => open().send(body, options),
    retry: (id) => {
      open().retry(id);
    },
    discard: (id) => {
      open().discard(id);
    },
    edit: async (seq, body) => open().edit(seq, body),
    recall: async (seq) => open().recall(seq),
    markRead: (seq) => thread?.markRead(seq),
    loadOlder: async () => thread?.loadOlder(),
    loadNewer: async () => thread?.loadNewer(),
    jumpToLatest: async () => thread?.jumpToLatest(),
    jumpTo: async (seq) => thread?.jumpTo(seq),
  };
}

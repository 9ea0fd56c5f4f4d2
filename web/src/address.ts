import { useEffect } from "preact/hooks";
import type { Drafts } from "./drafts.ts";
import type { ChatModel } from "./model.ts";
import { isNew } from "./model.ts";
import { hashOf, targetOf } from "./route.ts";

/** Opens a conversation, or the 1-1 conversation with `@user` if there is one already. */
export function goTo(model: ChatModel, target: string): void {
  const known = isNew(target)
    ? model.sorted.find(({ kind, name }) => kind === "direct" && name === target.slice(1))
    : undefined;
  model.show(known?.id ?? target);
}

/** Back to the list: as the browser's Back if the list is there. */
export function goBack(model: ChatModel): void {
  const { isFromList } = (history.state ?? {}) as { isFromList?: boolean };
  if (isFromList === true) history.back();
  else model.show(undefined);
}

/**
 * Keeps the page's address and the open conversation in step, in both directions. So a conversation survives
 * a reload, can be bookmarked, and Back leads to the one before.
 */
export function useAddress(model: ChatModel, drafts: Drafts): void {
  useEffect(() => {
    const enter = (): void => {
      const target = targetOf(location.hash);
      if (target === model.open) return;
      if (target === undefined || isNew(target) || model.conversations.has(target)) model.show(target);
      // A conversation that is not listed yet. If it is not in the list either, the model closes it.
      else if (model.listed) model.show(undefined);
      else model.open = target;
    };
    const follow = (): void => {
      const { open } = model;
      const isAwaited = open !== undefined && !isNew(open) && !model.threads.has(open);
      if (isAwaited) {
        if (model.conversations.has(open)) model.show(open);
        return;
      }
      const before = targetOf(location.hash);
      if (before === open) return;
      const isMade =
        before !== undefined &&
        isNew(before) &&
        model.conversations.get(open ?? "")?.name === before.slice(1);
      if (isMade && open !== undefined) drafts.move(before, open);
      const isLost = before !== undefined && !isNew(before) && !model.conversations.has(before);
      if (isMade || isLost) history.replaceState(history.state, "", hashOf(open));
      else history.pushState({ isFromList: before === undefined }, "", hashOf(open));
    };
    enter();
    addEventListener("popstate", enter);
    const stop = model.watch(follow);
    return () => {
      stop();
      removeEventListener("popstate", enter);
    };
  }, [model]);
}

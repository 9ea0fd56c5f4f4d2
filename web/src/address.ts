import { useEffect } from "preact/hooks";
import type { Drafts } from "./drafts.ts";
import type { ChatModel } from "./model.ts";
import { isNew } from "./model.ts";
import { hashOf, seqOf, targetOf } from "./route.ts";

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
    const isListed = (target: string): boolean => model.conversation(target) !== undefined;
    /** A conversation of the address that may still come into the list. */
    let awaited: string | undefined;
    const enter = (): void => {
      const [target, seq] = [targetOf(location.hash), seqOf(location.hash)];
      // Who was led to a message stays in the conversation: a reload does not go back to the message.
      if (seq !== undefined) history.replaceState(history.state, "", hashOf(target));
      if (target === model.open) {
        if (seq !== undefined) model.goToMessage(seq);
        return;
      }
      const isKnown = target === undefined || isNew(target) || isListed(target);
      awaited = isKnown || model.listed ? undefined : target;
      model.show(isKnown ? target : awaited, seq);
    };
    const follow = (): void => {
      const { open } = model;
      if (awaited !== undefined && awaited === open) {
        const isThere = isListed(open);
        if (!isThere && !model.listed) return;
        awaited = undefined;
        return model.show(isThere ? open : undefined, model.aim?.seq);
      }
      const before = targetOf(location.hash);
      if (before === open) return;
      const isMade =
        before !== undefined && isNew(before) && model.conversation(open ?? "")?.name === before.slice(1);
      if (isMade && open !== undefined) drafts.move(before, open);
      const isLost = before !== undefined && !isNew(before) && !isListed(before);
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

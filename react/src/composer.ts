import { useMemo, useSyncExternalStore } from "react";
import type { SendOptions, Target } from "@jichat/client";
import { draftsOf } from "./drafts.ts";
import { subscribeToNothing } from "./live.ts";
import { notOpen } from "./not-open.ts";
import { useChat } from "./provider.ts";
import { useThread } from "./thread.ts";

export interface TextBody {
  readonly text: string;
}

export interface Composer {
  /** The draft. All composers of one target share it, and it outlives them. */
  readonly text: string;
  readonly setText: (text: string) => void;
  /** False while there is no chat. Nothing can be written until then: disable the field. */
  readonly isReady: boolean;
  /** Whether the draft is more than spaces. */
  readonly canSend: boolean;
  /**
   * Sends the draft without the spaces around it, and empties it. Returns the message's id, and `undefined` if
   * there was nothing to send. Throws like `Thread.send`, and keeps the draft then.
   */
  readonly send: (options?: SendOptions) => string | undefined;
}

const keyOf = (target: Target): string =>
  "to" in target ? `to ${target.to}` : `conversation ${target.conversation}`;
const bodyOfText = (text: string): TextBody => ({ text });

/** What is being written to a user or in a conversation. A message's body is `{ text }`. */
export function useComposer(target: Target): Composer;
/** The same, with bodies of another form: `bodyOf` makes one of a text. */
export function useComposer<B extends object>(target: Target, bodyOf: (text: string) => B): Composer;
export function useComposer(target: Target, bodyOf: (text: string) => object = bodyOfText): Composer {
  const chat = useChat<object>();
  const thread = useThread<object>(target);
  const key = keyOf(target);
  const drafts = chat === undefined ? undefined : draftsOf(chat);
  const text = useSyncExternalStore(
    drafts?.subscribe ?? subscribeToNothing,
    () => drafts?.get(key) ?? "",
    () => "",
  );
  const actions = useMemo(
    () => ({
      setText: (now: string): void => {
        if (drafts === undefined) throw notOpen();
        drafts.set(key, now);
      },
      send: (options?: SendOptions): string | undefined => {
        if (drafts === undefined || thread === undefined) throw notOpen();
        const said = drafts.get(key).trim();
        if (said === "") return undefined;
        const id = thread.send(bodyOf(said), options);
        drafts.set(key, "");
        return id;
      },
    }),
    [drafts, thread, key, bodyOf],
  );
  return { text, isReady: chat !== undefined, canSend: text.trim() !== "", ...actions };
}

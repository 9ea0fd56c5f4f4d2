import type { Chat } from "@jichat/client";
import { openChat } from "@jichat/client";

/** An application of the SDK and nothing else. It is bundled for Chromium, which reads all that it shows. */

/** More than a page of history: what is loaded at once may go past the wanted number. */
const ROOM = 200;

export interface SdkAppOptions {
  readonly user: string;
  readonly token: string;
  /** The threads to load, by the other user, and how many lines of each. */
  readonly peers: readonly string[];
  readonly lines: number;
}

export interface SdkApp {
  /** Resolves with the number of conversations, and of lines, once all is loaded. */
  readonly open: (options: SdkAppOptions) => Promise<readonly [conversations: number, lines: number]>;
}

/** Reads all that a user interface would draw, and shows the latest line in an element of its own. */
async function loadThread(chat: Chat, peer: string, count: number): Promise<() => number> {
  const thread = chat.thread({ to: peer });
  const shown = document.body.appendChild(document.createElement("p"));
  thread.subscribe(() => {
    shown.textContent = String(thread.get().lines.at(-1)?.body?.["text"]);
  });
  const lines = (): number => thread.get().lines.length;
  await thread.jumpToLatest();
  while (lines() < count) await thread.loadOlder();
  return lines;
}

const app: SdkApp = {
  open: async ({ user, token, peers, lines }) => {
    // A full thread that loads older lines lets its newest go. New ones are to be shown here.
    const linesMax = lines + ROOM;
    const chat = await openChat({ user, device: "app", token: async () => token, linesMax });
    const listed = Promise.withResolvers<void>();
    chat.conversations.subscribe(() => {
      if (chat.conversations.get().isComplete) listed.resolve();
    });
    await listed.promise;
    const threads = await Promise.all(peers.map(async (peer) => loadThread(chat, peer, lines)));
    return [chat.conversations.get().conversations.length, threads.reduce((sum, count) => sum + count(), 0)];
  },
};

Object.assign(globalThis, { app });

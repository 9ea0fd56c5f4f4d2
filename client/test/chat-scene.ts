import { Dice } from "@jichat/protocol/dice.ts";
import type { Chat } from "../src/chat/chat.ts";
import { openChat } from "../src/chat/open-chat.ts";
import type { OpenOptions } from "../src/chat/open-chat.ts";
import { memoryStore } from "../src/chat/store.ts";
import { openConnection } from "../src/open-connection.ts";
import { ModelServer } from "./model-server.ts";
import { ME } from "./model-store.ts";
import type { Tab } from "./tab.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A server, a disk, and the chats of one user that are opened before them one after the other. */
export class ChatScene {
  readonly clock = new VirtualClock();
  readonly server = new ModelServer(this.clock, new Dice(1));
  readonly store = memoryStore();
  /** Users whose profiles were asked for together, in order. */
  readonly asked: string[] = [];
  readonly members = new Map<string, readonly string[]>();
  /** The page that the chats are on. Without one, they run outside of a browser. */
  tab: Tab | undefined;

  constructor() {
    this.server.echo = true;
  }

  async open(options: Partial<OpenOptions> = {}): Promise<Chat> {
    const chat = await openChat(
      {
        user: ME,
        urls: ["ws://here/v1/ws"],
        device: "phone",
        token: async () => "good",
        random: () => 0.5,
        store: this.store,
        directory: {
          profiles: async (users) => {
            this.asked.push(users.join(" "));
            return users.map((user) => ({ user, name: user.toUpperCase() }));
          },
          members: async (conversation) => ({ users: this.members.get(conversation) ?? [] }),
        },
        ...options,
      },
      {
        clock: this.clock,
        network: new EventTarget(),
        ...(this.tab && { page: this.tab }),
        open: async (opening) =>
          openConnection({
            ...opening,
            socketTo: (url) => this.server.socketTo(url, opening.encoding) as unknown as WebSocket,
          }),
      },
    );
    await this.clock.pass(1_000);
    return chat;
  }

  async close(chat: Chat): Promise<void> {
    const closed = chat.close();
    await this.clock.pass(1_000);
    await closed;
  }

  /** `count` messages of `peer`. */
  write(peer: string, count: number): void {
    for (let i = 0; i < count; i += 1) this.server.friendWrites(peer);
  }
}

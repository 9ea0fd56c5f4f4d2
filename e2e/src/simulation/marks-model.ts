import type { ChatEvent, Receipt } from "@jichat/protocol/frame/server-frame.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";

/** Who is told of what no device may be told. */
interface MarksParts {
  violate(invariant: string, what: string): void;
}

/** How far a device knows that its user has read each conversation, and by what it knows. */
export class MarksModel {
  readonly #sim: MarksParts;
  readonly #user: string;
  readonly #name: string;
  readonly #known = new Map<string, number>();
  /** Of the socket that it has now. */
  #told = new Map<string, number>();

  constructor(sim: MarksParts, user: string, name: string) {
    this.#sim = sim;
    this.#user = user;
    this.#name = name;
  }

  of(conversation: string): number {
    return this.#known.get(conversation) ?? 0;
  }

  /** On one socket each receipt tells more than the one before it. */
  newSocket(): void {
    this.#told = new Map();
  }

  receipt({ conversation, seq }: Receipt): void {
    const before = this.#told.get(conversation) ?? 0;
    if (seq <= before)
      this.#sim.violate(
        "I6",
        `${this.#user}/${this.#name} was told that ${conversation} is read up to ${seq} after ${before}`,
      );
    this.#told.set(conversation, seq);
    this.raise(conversation, seq);
  }

  /** Whoever writes has read what came before, and whoever joins begins there. */
  event({ conversation, kind, from, seq, users }: ChatEvent): void {
    const isMine = kind === "message" ? from === this.#user : users?.includes(this.#user) === true;
    if (isMine) this.raise(conversation, seq);
  }

  listed(conversation: SyncReply["conversations"][number]): void {
    if ("read" in conversation) this.raise(conversation.conversation, conversation.read);
  }

  raise(conversation: string, seq: number): void {
    this.#known.set(conversation, Math.max(seq, this.of(conversation)));
  }
}

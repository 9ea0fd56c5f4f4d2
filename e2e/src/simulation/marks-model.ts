import type { ChatEvent, Receipt } from "@jichat/protocol/frame/server-frame.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";

/** Receives reports of what no device may be told. */
interface MarksParts {
  violate(invariant: string, what: string): void;
}

/** The read marks that a device knows for its user in each conversation, and from which source. */
export class MarksModel {
  readonly #sim: MarksParts;
  readonly #user: string;
  readonly #name: string;
  readonly #known = new Map<string, number>();
  /** The marks that the present socket was told. */
  #told = new Map<string, number>();

  constructor(sim: MarksParts, user: string, name: string) {
    this.#sim = sim;
    this.#user = user;
    this.#name = name;
  }

  of(conversation: string): number {
    return this.#known.get(conversation) ?? 0;
  }

  /** Starts anew for a new socket: on one socket, each receipt must tell more than the one before it. */
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

  /** A user who writes has read everything before, and a user who joins starts at that seq. */
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

import type { Clock } from "@jichat/protocol/clock.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { ConversationFacts, FactsReply } from "@jichat/protocol/bus/query.ts";
import { AskSize } from "./ask-size.ts";
import type { ColdWaits } from "./compose.ts";
import type { KnownId } from "./recent-events.ts";
import { eventKey, idKey } from "./recent-events.ts";
import type { Need } from "./decide.ts";
import type { PartitionState } from "./partition-state.ts";
import type { FactsSource } from "./ports.ts";

const REFUSE_FOR_MS = 500;

const unavailable: Answer = {
  code: "UNAVAILABLE",
  message: "storage does not answer a question about the history; nothing was stored",
  retryAfterMs: 1_000,
};

interface Question {
  readonly conversations: Set<string>;
  readonly ids: Map<string, { conversation: string; user: string; id: string }>;
  readonly events: Map<string, { conversation: string; seq: number }>;
}

const noQuestion = (): Question => ({ conversations: new Set(), ids: new Map(), events: new Map() });
const sizeOf = ({ conversations, ids, events }: Question): number =>
  conversations.size + ids.size + events.size;

/**
 * Questions to storage, one at a time. Every question names the last committed position: an older answer
 * could lack what this owner has already decided.
 */
export class ColdLoads implements ColdWaits {
  readonly #facts: FactsSource;
  readonly #clock: Clock;
  readonly #state: PartitionState;
  readonly #loaded: () => void;
  #next = noQuestion();
  readonly #size = new AskSize();
  #asked: Question | undefined;
  #refuseUntil = Number.NEGATIVE_INFINITY;
  #arrived: (() => void)[] = [];

  constructor(facts: FactsSource, clock: Clock, state: PartitionState, loaded: () => void) {
    this.#facts = facts;
    this.#clock = clock;
    this.#state = state;
    this.#loaded = loaded;
  }

  conversation(id: string): Answer {
    return this.#wait(() => {
      if (this.#asked?.conversations.has(id) !== true) this.#next.conversations.add(id);
    });
  }

  need(conversation: string, need: Need): Answer {
    return this.#wait(() => {
      if ("id" in need)
        this.#next.ids.set(`${conversation} ${idKey(need.user, need.id)}`, { conversation, ...need });
      else this.#next.events.set(`${conversation} ${need.seq}`, { conversation, seq: need.seq });
    });
  }

  #wait(note: () => void): Answer {
    if (this.#clock.monotonic() < this.#refuseUntil) return unavailable;
    if (sizeOf(this.#next) < this.#size.now) note();
    return "later";
  }

  /**
   * Sends the gathered questions as one, unless a question is already out. `settle` applies the answers
   * between two batches.
   */
  ask(committed: number): void {
    if (this.#asked !== undefined || sizeOf(this.#next) === 0) return;
    const question = this.#next;
    this.#asked = question;
    this.#next = noQuestion();
    this.#facts
      .ask({
        position: committed,
        conversations: [...question.conversations],
        ids: [...question.ids.values()],
        events: [...question.events.values()],
      })
      .then(
        (reply) => {
          this.#arrived.push(() => {
            this.#answered(question, reply);
          });
        },
        () => {
          this.#refuseUntil = this.#clock.monotonic() + REFUSE_FOR_MS;
        },
      )
      .finally(() => {
        this.#asked = undefined;
        this.#loaded();
      });
  }

  /**
   * Applies answers. Call it only between batches: nothing may change under a command that is being decided.
   */
  settle(): void {
    for (const take of this.#arrived) take();
    this.#arrived = [];
  }

  #answered(question: Question, reply: FactsReply): void {
    const found = new Map<string, ConversationFacts>(
      reply.conversations.map((facts) => [facts.conversation, facts]),
    );
    // Storage says nothing about `rest`: commands that wait for one of these conversations ask again.
    const { rest = [] } = reply;
    for (const id of rest) question.conversations.delete(id);
    this.#size.learn(sizeOf(question), rest.length);
    for (const id of question.conversations)
      if (this.#state.get(id) === undefined) this.#state.load(id, found.get(id));
    const ids = new Map<string, KnownId>(
      reply.ids.map(({ conversation, user, id, seq, ts }) => [
        `${conversation} ${idKey(user, id)}`,
        { seq, ts, position: 0 },
      ]),
    );
    const now = this.#clock.now();
    for (const [key, { conversation, user, id }] of question.ids) {
      this.#state.get(conversation)?.recent.find(idKey(user, id), ids.get(key), now);
    }
    for (const event of reply.events)
      this.#state.get(event.conversation)?.recent.find(eventKey(event.seq), event, now);
  }
}

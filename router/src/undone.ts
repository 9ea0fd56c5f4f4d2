import { eventOf } from "@jichat/conversation/event.ts";
import { NOBODY } from "@jichat/conversation/kind.ts";
import { kindOf } from "@jichat/conversation/tables.ts";
import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import { isWhole } from "@jichat/presence/presence-texts.ts";
import { addEffect } from "./add-effect.ts";
import { AskSize } from "./ask-size.ts";
import { addGap, lose, merge } from "./backlog.ts";
import type { Conversation } from "./conversation.ts";
import { loadedConversation } from "./conversation.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { GAP_BYTES, emptyUnit, putHead, putToSync, putUnsure, usersBytes } from "./effect-unit.ts";
import type { Unresolved } from "./effects.ts";
import type { FactsSource } from "./ports.ts";

/** The effects of one batch, or of many batches that are folded into one. */
interface Step {
  readonly position: number;
  /** Effects of records whose conversation is hot. */
  readonly unit: EffectUnit;
  /** Records whose conversation is cold. Storage knows its members. */
  readonly cold: readonly ColdRecord[];
  /** Cold conversations whose records were dropped. Their members pull up to this seq. */
  readonly gaps: ReadonlyMap<string, number>;
  readonly bytes: number;
}

interface ColdRecord {
  readonly position: number;
  readonly record: LogRecord;
}

/** Records whose effects may not be done, oldest first. Beyond a bound they are folded. */
export class Undone {
  readonly #bytesMax: number;
  #steps: Step[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(position: number, unit: EffectUnit, records: readonly LogRecord[]): void {
    const cold = records.map((record) => ({ position, record }));
    this.#push({ position, unit, cold, gaps: new Map(), bytes: unit.bytes + bytesOf(cold) });
    if (this.#bytes > this.#bytesMax) this.#fold();
  }

  /** Forgets effects up to `done`, which a batch reported as done. */
  forget(done: number): void {
    const first = this.#steps.findIndex(({ position }) => position > done);
    const gone = this.#steps.splice(0, first < 0 ? this.#steps.length : first);
    for (const { bytes } of gone) this.#bytes -= bytes;
  }

  /**
   * The effects that a new reign does first. Storage is asked for the members of cold conversations. A member
   * who joined after a record does not receive it.
   */
  redo(facts: FactsSource): Unresolved | undefined {
    const last = this.#steps.at(-1)?.position;
    if (last === undefined) return undefined;
    return async () => {
      const unit = emptyUnit(last);
      const cold = Map.groupBy(
        this.#steps.flatMap((step) => step.cold),
        ({ record }) => record.conversation,
      );
      const gaps = new Map(this.#steps.flatMap((step) => [...step.gaps]));
      const asked = [...new Set([...cold.keys(), ...gaps.keys()])];
      for await (const found of factsOf(facts, last, asked)) {
        const conversation = loadedConversation(found);
        for (const one of cold.get(conversation.id) ?? [])
          merge(unit, effectOf(conversation, one), this.#bytesMax);
        const head = gaps.get(conversation.id);
        if (head !== undefined) addGap(unit, conversation.id, head, [...conversation.members.keys()]);
      }
      for (const step of this.#steps) merge(unit, step.unit, this.#bytesMax);
      unit.events.sort((a, b) => a.delivered.position - b.delivered.position);
      this.forget(last); // The unit holds them now.
      return unit;
    };
  }

  #push(step: Step): void {
    this.#steps.push(step);
    this.#bytes += step.bytes;
  }

  /**
   * Folds all steps into one. Dropped records of cold conversations leave the users whom they concern, as
   * those of hot ones do.
   */
  #fold(): void {
    const steps = this.#steps;
    const position = steps.at(-1)?.position ?? 0;
    const unit = emptyUnit(position);
    const gaps = new Map<string, number>();
    for (const step of steps) {
      merge(unit, step.unit, this.#bytesMax / 2);
      for (const [conversation, seq] of step.gaps) gaps.set(conversation, seq);
      for (const { record, position: at } of step.cold) letGo(unit, gaps, record, at);
    }
    if (unit.bytes + GAP_BYTES * gaps.size > this.#bytesMax) lose(unit);
    if (unit.isLost) gaps.clear();
    this.#steps = [];
    this.#bytes = 0;
    this.#push({ position, unit, cold: [], gaps, bytes: unit.bytes + GAP_BYTES * gaps.size });
  }
}

function letGo(unit: EffectUnit, gaps: Map<string, number>, record: LogRecord, position: number): void {
  if (record.r === "note") return;
  if (record.r === "mark" || record.r === "setting") {
    putUnsure(unit, record.user);
    return;
  }
  putHead(unit, { conversation: record.conversation, position, ts: record.ts });
  const kind = kindOf(record.kind);
  if (kind?.isMessage === true) unit.unpushed += 1;
  for (const user of kind?.lists?.(record) ?? NOBODY) putUnsure(unit, user);
  // A gap reaches only those who are members by then.
  for (const user of kind?.alsoTold?.(record) ?? NOBODY) putToSync(unit, user);
  gaps.set(record.conversation, record.seq);
}

function effectOf(conversation: Conversation, { record, position }: ColdRecord): EffectUnit {
  const unit = emptyUnit(position);
  addEffect(unit, conversation, record, position);
  // The facts may be newer than this record. The head keeps the record's own seq and position: it neither
  // replaces a newer head nor claims the facts' position.
  if (record.r === "event" && conversation.head > record.seq) olderHead(unit, record, position);
  return unit;
}

function olderHead(unit: EffectUnit, record: EventRecord, position: number): void {
  const head = unit.heads.get(record.conversation);
  if (head === undefined || !isWhole(head)) throw new Error("the head that was just set is missing");
  const { seq, no, ts } = record;
  putHead(unit, { ...head, position, seq, no, ts, last: eventOf(record) });
}

/**
 * Facts of any number of conversations, in as many answers as needed. Only one answer is in memory at a time.
 */
async function* factsOf(
  facts: FactsSource,
  position: number,
  conversations: readonly string[],
): AsyncGenerator<ConversationFacts> {
  const size = new AskSize();
  let waiting = conversations;
  while (waiting.length > 0) {
    const asked = waiting.slice(0, size.now);
    const reply = await facts.ask({ position, conversations: asked, ids: [], events: [] });
    const { rest = [] } = reply;
    yield* reply.conversations;
    size.learn(asked.length - rest.length, rest.length);
    waiting = [...rest, ...waiting.slice(asked.length)];
  }
}

/** Approximate bytes of a record on the heap, without its texts and users. */
const RECORD_BYTES = 700;

const bytesOf = (cold: readonly ColdRecord[]): number =>
  cold.reduce(
    (sum, { record }) =>
      sum + RECORD_BYTES + (record.r === "event" ? 2 * (record.body?.length ?? 0) + usersBytes(record) : 0),
    0,
  );

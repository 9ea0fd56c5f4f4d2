import type { Command } from "@jichat/conversation/command.ts";
import { isWrite } from "@jichat/conversation/command.ts";
import { NOBODY } from "@jichat/conversation/kind.ts";
import { verbOf } from "@jichat/conversation/tables.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import { isRefused } from "@jichat/protocol/bus/command.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { READERSHIP_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { Readership, audienceOf } from "./audience.ts";
import type { BatchSize } from "./batch-room.ts";
import { BatchRoom } from "./batch-room.ts";
import type { Conversation } from "./conversation.ts";
import type { Need } from "./decide.ts";
import { decide } from "./decide.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { addEffect } from "./add-effect.ts";
import { emptyUnit } from "./effect-unit.ts";
import type { PartitionState } from "./partition-state.ts";

/** Where decisions go to wait for storage. `refusal` is what to answer while storage cannot be asked. */
export interface ColdWaits {
  conversation(id: string): Answer;
  need(conversation: string, need: Need): Answer;
}

export interface Composed {
  readonly records: LogRecord[];
  /** The same, encoded, where they had to be measured. */
  readonly texts: readonly string[] | undefined;
  readonly effects: EffectUnit;
  readonly answers: Answer[][];
  /** False when every answer says nothing about the state, and so need not wait for an append. */
  readonly fenced: boolean;
}

/** Whom a command makes members, or no members any more; undefined for one that makes no event. */
function movedBy(command: Command): readonly string[] | undefined {
  if (!isWrite(command)) return undefined;
  const verb = verbOf(command.op);
  return verb.marks ? undefined : (verb.moves?.(command, command.user) ?? NOBODY);
}

const busy: Answer = {
  code: "BUSY",
  message: "this conversation's log is nearly full; storage is behind",
  retryAfterMs: 2_000,
};

/**
 * Decides what has arrived, in order, each command on the state that the ones before it left. The state runs
 * ahead of the log by this one batch: if its append fails, the owner drops the whole state (ADR 0002). What
 * no longer fits into `batchSize` is answered `later`; what fits into no batch is refused.
 */
export function compose(
  state: PartitionState,
  requests: readonly (readonly Command[])[],
  position: number,
  now: number,
  logIsFull: boolean,
  waiting: ColdWaits,
  batchSize: BatchSize,
): Composed {
  const records: LogRecord[] = [];
  const room = new BatchRoom(batchSize);
  const effects = emptyUnit(position);
  const readership = new Readership(READERSHIP_BYTES_MAX);
  const held = new Map<string, Answer>();
  let fenced = false;

  const answerOne = (command: Command): Answer => {
    if (room.isFull) return "later";
    if (command.op === "where") {
      fenced = true;
      return { seq: 0, ts: now };
    }
    const conversation = state.get(command.conversation);
    if (conversation === undefined) return waiting.conversation(command.conversation);
    const changed = movedBy(command);
    if (changed !== undefined && !readership.hasRoomFor(audienceOf(conversation.members).users, changed))
      return "later";
    const decision = decide(conversation, command, now);
    if ("need" in decision) return waiting.need(conversation.id, decision.need);
    if (logIsFull && "records" in decision && decision.records.length > 0) return busy;
    const unfit = "records" in decision ? room.reserve(decision.records) : undefined;
    if (unfit === "later") return unfit;
    fenced = true;
    if ("refused" in decision) return decision.refused;
    if (unfit !== undefined) return unfit;
    const before = effects.events.length;
    commit(state, conversation, decision.records, position, records, effects);
    for (const { recipients } of effects.events.slice(before)) readership.add(recipients);
    return decision.answer;
  };

  const answers = requests.map((commands) =>
    commands.map((command) => {
      const gate = `${command.session} ${command.conversation}`;
      const holding = held.get(gate);
      if (holding !== undefined && (holding === "later" || command.op === "send")) return holding;
      const answer = answerOne(command);
      const hold = holdBehind(command, answer);
      if (hold !== undefined) held.set(gate, hold);
      return answer;
    }),
  );
  return { records, texts: room.texts, effects, answers, fenced };
}

/**
 * What sends of the same socket behind this one are answered in this batch, or undefined when they go on:
 * they must not overtake one that will be sent again. Behind one that is refused for good they wait for the
 * next batch: if the answer is lost, this batch is decided anew, and by then the refused one may be
 * accepted.
 */
function holdBehind(command: Command, answer: Answer): Answer | undefined {
  if (answer === "later") return answer;
  if (command.op !== "send" || !isRefused(answer)) return undefined;
  return isRetryable(answer.code) ? answer : "later";
}

function commit(
  state: PartitionState,
  conversation: Conversation,
  decided: readonly LogRecord[],
  position: number,
  records: LogRecord[],
  effects: EffectUnit,
): void {
  for (const record of decided) {
    state.apply(conversation, record, position);
    addEffect(effects, conversation, record, position);
    records.push(record);
  }
}

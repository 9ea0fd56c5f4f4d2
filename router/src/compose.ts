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

/**
 * Registers what a decision needs from storage, and returns the answer for now: `later`, or a refusal while
 * storage cannot be asked.
 */
export interface ColdWaits {
  conversation(id: string): Answer;
  need(conversation: string, need: Need): Answer;
}

export interface Composed {
  readonly records: LogRecord[];
  /** The records as encoded text, if they had to be measured. */
  readonly texts: readonly string[] | undefined;
  readonly effects: EffectUnit;
  readonly answers: Answer[][];
  /** False if no answer depends on the state. Such answers need not wait for an append. */
  readonly fenced: boolean;
}

/** Users whose membership a command changes; `undefined` for a command that makes no event. */
function movedBy(command: Command): readonly string[] | undefined {
  if (!isWrite(command)) return undefined;
  const verb = verbOf(command.op);
  return verb.marks || verb.sets ? undefined : (verb.moves?.(command, command.user) ?? NOBODY);
}

const busy: Answer = {
  code: "BUSY",
  message: "the log of this conversation is nearly full, since storage lags behind: send it again later",
  retryAfterMs: 2_000,
};

interface Composition {
  readonly position: number;
  readonly now: number;
  readonly logIsFull: boolean;
  readonly waiting: ColdWaits;
  readonly batchSize: BatchSize;
}

/**
 * Decides all commands in order, each on the state that the previous ones left. The state is ahead of the log
 * by this one batch: if its append fails, the owner drops the whole state (ADR 0002). A command that does not
 * fit into `batchSize` any more is answered `later`. A command that fits into no batch is refused.
 */
export function compose(
  state: PartitionState,
  requests: readonly (readonly Command[])[],
  { position, now, logIsFull, waiting, batchSize }: Composition,
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
    commit(state, conversation, { decided: decision.records, position, records, effects });
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
 * The answer for later sends of the same socket in this batch, or `undefined` if they may go on. They must
 * not overtake a send that will come again. Behind a send that is refused for good they wait for the next
 * batch: if the answer is lost, this batch is decided again, and the refused send may be accepted then.
 */
function holdBehind(command: Command, answer: Answer): Answer | undefined {
  if (answer === "later") return answer;
  if (command.op !== "send" || !isRefused(answer)) return undefined;
  return isRetryable(answer.code) ? answer : "later";
}

interface Committing {
  readonly decided: readonly LogRecord[];
  readonly position: number;
  readonly records: LogRecord[];
  readonly effects: EffectUnit;
}

function commit(
  state: PartitionState,
  conversation: Conversation,
  { decided, position, records, effects }: Committing,
): void {
  for (const record of decided) {
    state.apply(conversation, record, position);
    addEffect(effects, conversation, record, position);
    records.push(record);
  }
}

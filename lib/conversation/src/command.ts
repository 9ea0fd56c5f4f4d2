import type { CommandBatch as BatchOf, CommandSource } from "@jichat/protocol/bus/command.ts";
import { utf8Bytes } from "@jichat/protocol/bus/wire.ts";
import type { WriteFrame } from "./client-frame.ts";
import type { FieldsOf, VERBS, VerbName } from "./tables.ts";
import { isVerb, verbOf } from "./tables.ts";

/** A mark travels without the id of its frame: only the edge that acknowledges it needs it. */
type Left<V extends VerbName> = (typeof VERBS)[V] extends { readonly marks: true }
  ? "conversation" | "id"
  : "conversation";
type Op<V extends VerbName> = { readonly op: V } & Omit<FieldsOf<V>, Left<V>>;

/** A write on its way to the owner of its conversation's partition; checked by the edge that made it. */
export type Write = CommandSource & { readonly [V in VerbName]: Op<V> }[VerbName];
/** Asks for the head; stored nowhere, answered behind an append like everything else. */
export type LookCommand = CommandSource & { readonly op: "look" };
/** Asks for nothing but the position that every answer comes with; of no conversation. */
export type WhereCommand = CommandSource & { readonly op: "where" };
export type Command = Write | LookCommand | WhereCommand;

export type CommandBatch = BatchOf<Command>;

export const WHERE: Command = { op: "where", conversation: "", user: "", device: "", session: "where" };

export const isWrite = (command: Command): command is Write => isVerb(command.op);

/** The command that a frame asks for. */
export function commandOf(frame: WriteFrame, source: CommandSource): Write {
  if (frame.t === "send") {
    // By hand, as nearly every write is one: all of them have the same hidden class.
    const { id, to, body, replyTo, mentions } = frame;
    return { ...source, op: "send", id, to, body, replyTo, mentions };
  }
  const { t, id, ...fields } = frame;
  const own = verbOf(t).marks ? fields : { id, ...fields };
  return { ...own, ...source, op: t } as Write;
}

/** What a record says beyond its command: its place, its time, its kind, the creator among its users. */
const RECORD_MORE_BYTES = 192;
/** The same where a second record comes of it, or the group's name goes with it. */
const RECORD_MUCH_MORE_BYTES = 1_024;

/** What the records of `command` take in a log beyond the bytes of the command itself, at most. */
function moreOf(command: Command): number {
  if (!isWrite(command)) return RECORD_MORE_BYTES;
  return verbOf(command.op).isLarge?.(command) === true ? RECORD_MUCH_MORE_BYTES : RECORD_MORE_BYTES;
}

/** What the record of `command`, encoded as `text`, takes in a log, at most. */
export const recordBytesOf = (command: Command, text: string): number => utf8Bytes(text) + moreOf(command);

/** The same of many, which came as a message of `bytes`. */
export const recordBytesOfAll = (commands: readonly Command[], bytes: number): number =>
  commands.reduce((sum, command) => sum + moreOf(command), bytes);

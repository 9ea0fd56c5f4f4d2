import type { CommandBatch as BatchOf, CommandSource } from "@jichat/protocol/bus/command.ts";
import { decodeCommandsOf } from "@jichat/protocol/bus/command.ts";
import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { WriteFrame } from "./client-frame.ts";
import type { FieldsOf, VERBS, VerbName } from "./tables.ts";
import { isVerb, verbOf } from "./tables.ts";

/**
 * Fields of the frame that do not become fields of the command. A mark travels without its frame's id: only
 * the edge that acknowledges it needs the id.
 */
type Left<V extends VerbName> = (typeof VERBS)[V] extends { readonly marks: true }
  ? "conversation" | "id"
  : "conversation";
type Op<V extends VerbName> = { readonly op: V } & Omit<FieldsOf<V>, Left<V>>;

/** A write on its way to the owner of its conversation's partition. The edge that made it has checked it. */
export type Write = CommandSource & { readonly [V in VerbName]: Op<V> }[VerbName];
/**
 * Asks for the head of a conversation. It is not stored. Like every answer, its answer waits for an append.
 */
export type LookCommand = CommandSource & { readonly op: "look" };
/** Asks only for the position that every answer carries. It names no conversation. */
export type WhereCommand = CommandSource & { readonly op: "where" };
export type Command = Write | LookCommand | WhereCommand;

export type CommandBatch = BatchOf<Command>;

export const decodeCommands = (bytes: Uint8Array): CommandBatch => decodeCommandsOf<Command>(bytes);

export const WHERE: Command = { op: "where", conversation: "", user: "", device: "", session: "where" };

export const isWrite = (command: Command): command is Write => isVerb(command.op);

/** The command that a frame asks for. */
export function commandOf(frame: WriteFrame, source: CommandSource): Write {
  if (frame.t === "send") {
    // Built by hand, since nearly every write is a send: all have the same hidden class.
    const { id, to, body, replyTo, mentions } = frame;
    return { ...source, op: "send", id, to, body, replyTo, mentions };
  }
  const { t, id, ...fields } = frame;
  const own = verbOf(t).marks ? fields : { id, ...fields };
  return { ...own, ...source, op: t } as Write;
}

/** Most bytes that a record adds to its command: place, time, kind, and the creator among the users. */
const RECORD_MORE_BYTES = 192;
/** The same, if the command makes a second record or repeats the group's name. */
const RECORD_MUCH_MORE_BYTES = 1_024;

/** Most bytes that the records of `command` take in a log beyond the bytes of the command. */
function moreOf(command: Command): number {
  if (!isWrite(command)) return RECORD_MORE_BYTES;
  return verbOf(command.op).isLarge?.(command) === true ? RECORD_MUCH_MORE_BYTES : RECORD_MORE_BYTES;
}

/** Most bytes that the records of `command` take in a log; `text` is the encoded command. */
export const recordBytesOf = (command: Command, text: string): number => utf8Bytes(text) + moreOf(command);

/** The same for many commands that came as one message of `bytes`. */
export const recordBytesOfAll = (commands: readonly Command[], bytes: number): number =>
  commands.reduce((sum, command) => sum + moreOf(command), bytes);

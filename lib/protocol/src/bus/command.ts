import type { ErrorCode } from "../errors.ts";
import { ChatError } from "../errors.ts";
import type { BodyText } from "../frame/body.ts";
import { utf8Bytes } from "../utf8-bytes.ts";
import { decodeInner, encodeInner, encodeText } from "./wire.ts";

/** A wish on its way to the owner of its conversation's partition; checked by the edge that made it. */
export type Command = CommandSource &
  (
    | SendCommand
    | EditCommand
    | RecallCommand
    | CreateCommand
    | RenameCommand
    | MembersCommand
    | LeaveCommand
    | ReadCommand
    | LookCommand
    | WhereCommand
  );

export interface CommandSource {
  readonly conversation: string;
  readonly user: string;
  readonly device: string;
  /** The socket that it came over: the unit of "a device's sends are taken in order". */
  readonly session: string;
  /** W3C traceparent, where this message's trace is sampled. */
  readonly trace?: string | undefined;
}

export interface SendCommand {
  readonly op: "send";
  readonly id: string;
  readonly body: BodyText;
  /** Set when the sender named a user: the 1-1 conversation is made if it is not there yet. */
  readonly to?: string | undefined;
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
}
export interface EditCommand {
  readonly op: "edit";
  readonly id: string;
  readonly seq: number;
  readonly body: BodyText;
}
export interface RecallCommand {
  readonly op: "recall";
  readonly id: string;
  readonly seq: number;
}
export interface CreateCommand {
  readonly op: "create";
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}
export interface RenameCommand {
  readonly op: "rename";
  readonly id: string;
  readonly name: string;
}
export interface MembersCommand {
  readonly op: "invite" | "remove";
  readonly id: string;
  readonly users: readonly string[];
}
export interface LeaveCommand {
  readonly op: "leave";
  readonly id: string;
}
export interface ReadCommand {
  readonly op: "read";
  readonly seq: number;
}
/** Asks for the head; stored nowhere, answered behind an append like everything else. */
export interface LookCommand {
  readonly op: "look";
}

/** Asks for nothing but the position that every answer comes with; of no conversation. */
export interface WhereCommand {
  readonly op: "where";
}
export const WHERE: Command = { op: "where", conversation: "", user: "", device: "", session: "where" };

/** What a record says beyond its command: its place, its time, its kind, the creator among its users. */
const RECORD_MORE_BYTES = 192;
/** The same where a second record comes of it, or the group's name goes with it. */
const RECORD_MUCH_MORE_BYTES = 1_024;

/** What the records of `command` take in a log beyond the bytes of the command itself, at most. */
const moreOf = (command: Command): number =>
  command.op === "invite" || (command.op === "send" && command.to !== undefined)
    ? RECORD_MUCH_MORE_BYTES
    : RECORD_MORE_BYTES;

/** What the record of `command`, encoded as `text`, takes in a log, at most. */
export const recordBytesOf = (command: Command, text: string): number => utf8Bytes(text) + moreOf(command);

/** The same of many, which came as a message of `bytes`. */
export const recordBytesOfAll = (commands: readonly Command[], bytes: number): number =>
  commands.reduce((sum, command) => sum + moreOf(command), bytes);

/** What becomes of one command. `later`: it waits for storage; send it again in the next batch. */
export type Answer = Accepted | Refused | "later";
export interface Accepted {
  readonly seq: number;
  readonly ts: number;
  readonly duplicate?: true | undefined;
}
export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** What an owner refused, as what the client of an edge is told. */
export const errorOf = ({ code, message, retryAfterMs }: Refused): ChatError =>
  new ChatError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });

/** The other way round. */
export const refusalOf = (error: ChatError): Refused => ({
  code: error.code,
  message: error.message,
  ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
});

export const isRefused = (answer: Answer): answer is Refused =>
  typeof answer === "object" && "code" in answer;

export interface CommandBatch {
  readonly v: 1;
  readonly from: string;
  readonly number: number;
  readonly commands: readonly Command[];
}

/** A CommandBatch of commands that are encoded already: each is measured and sent as the same text. */
export const encodeCommands = (from: string, number: number, texts: readonly string[]): Uint8Array =>
  encodeText(`{"v":1,"from":${JSON.stringify(from)},"number":${number},"commands":[${texts.join(",")}]}`);

export interface AnswerBatch {
  readonly v: 1;
  /**
   * Nothing is said about the commands: send the batch again, unchanged. Whoever serves the partition next
   * knows it.
   */
  readonly retry?: true | undefined;
  /** Where the log stood once these answers were sure. */
  readonly position: number;
  readonly answers: readonly Answer[];
}

export const decodeCommands = (bytes: Uint8Array): CommandBatch =>
  decodeInner<CommandBatch>(bytes, "a batch of commands");

export const encodeAnswers = (batch: AnswerBatch): Uint8Array => encodeInner(batch);

export const decodeAnswers = (bytes: Uint8Array): AnswerBatch =>
  decodeInner<AnswerBatch>(bytes, "an answer of the owner");

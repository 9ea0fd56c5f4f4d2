import type { ErrorCode } from "../errors.ts";
import { ChatError } from "../errors.ts";
import { decodeInner, encodeInner, encodeText } from "./wire.ts";

/** Who sent a command, and to which conversation. */
export interface CommandSource {
  readonly conversation: string;
  readonly user: string;
  readonly device: string;
  /** The socket that the command came over. The order of a device's sends is kept per session. */
  readonly session: string;
  /** W3C traceparent; present if this message's trace is sampled. */
  readonly trace?: string | undefined;
}

/** The answer to one command. `later` means that it waits for storage: send it again in the next batch. */
export type Answer = Accepted | Refused | "later";
export interface Accepted {
  readonly seq: number;
  /** Time of the event in milliseconds since 1970. */
  readonly ts: number;
  readonly duplicate?: true | undefined;
}
export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
  /** Milliseconds after which the same id may be tried again; only for retryable codes. */
  readonly retryAfterMs?: number | undefined;
}

/** The error that an edge sends to its client for a refusal of the owner. */
export const errorOf = ({ code, message, retryAfterMs }: Refused): ChatError =>
  new ChatError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });

/** The inverse of `errorOf`. */
export const refusalOf = (error: ChatError): Refused => ({
  code: error.code,
  message: error.message,
  ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
});

export const isRefused = (answer: Answer): answer is Refused =>
  typeof answer === "object" && "code" in answer;

/**
 * Commands of one sender (`from`), numbered by the lane that sends them. `C` is the type of a command: a verb
 * of `lib/conversation`.
 */
export interface CommandBatch<C> {
  readonly v: 1;
  readonly from: string;
  readonly number: number;
  readonly commands: readonly C[];
}

/**
 * Encodes a CommandBatch of commands that are JSON already: each is encoded once, then measured and sent as
 * the same text.
 */
export const encodeCommands = (from: string, number: number, texts: readonly string[]): Uint8Array =>
  encodeText(`{"v":1,"from":${JSON.stringify(from)},"number":${number},"commands":[${texts.join(",")}]}`);

export interface AnswerBatch {
  readonly v: 1;
  /** The commands are not answered: send the batch again, unchanged, to whoever serves the partition next. */
  readonly retry?: true | undefined;
  /** The position of the log once these answers were certain. */
  readonly position: number;
  readonly answers: readonly Answer[];
}

/** Throws INTERNAL if the bytes are not readable, or of another version. */
export const decodeCommandsOf = <C>(bytes: Uint8Array): CommandBatch<C> =>
  decodeInner<CommandBatch<C>>(bytes, "a batch of commands");

export const encodeAnswers = (batch: AnswerBatch): Uint8Array => encodeInner(batch);

export const decodeAnswers = (bytes: Uint8Array): AnswerBatch =>
  decodeInner<AnswerBatch>(bytes, "an answer of the owner");

import type { ErrorCode } from "../errors.ts";
import { ChatError } from "../errors.ts";
import { encodeText } from "./wire.ts";

/** Whose command it is, for which conversation. */
export interface CommandSource {
  readonly conversation: string;
  readonly user: string;
  readonly device: string;
  /** The socket that it came over: the unit of "a device's sends are taken in order". */
  readonly session: string;
  /** W3C traceparent, where this message's trace is sampled. */
  readonly trace?: string | undefined;
}

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

/** `C` is what commands say: the verbs of `lib/conversation`. */
export interface CommandBatch<C> {
  readonly v: 1;
  readonly from: string;
  readonly number: number;
  readonly commands: readonly C[];
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

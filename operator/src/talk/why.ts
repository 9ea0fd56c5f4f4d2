import { ChatError } from "@jichat/protocol/errors.ts";
import { messageOf } from "../kube/errors.ts";

/** The reason for people: a refusal by its code. If several addresses were tried, the first error counts. */
export function whyOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return whyOf(error.errors[0]);
  if (error instanceof ChatError) return `${error.code}: ${error.message}`;
  return messageOf(error);
}

import type { CommandBatch } from "@jichat/conversation/command.ts";
import { decodeCommands } from "@jichat/conversation/command.ts";
import type { AnswerBatch } from "@jichat/protocol/bus/command.ts";
import { encodeAnswers } from "@jichat/protocol/bus/command.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Bus, Received } from "@jichat/runtime/bus.ts";
import type { Request } from "./partition.ts";

export interface ServeCommandsParts {
  readonly bus: Pick<Bus, "subscribe">;
  readonly names: Pick<Names, "command">;
  /** Called for each batch as it arrives. The returned function is called once it is answered. */
  readonly onArrival: (commands: CommandBatch["commands"]) => () => void;
  readonly onDeclined: (commands: number) => void;
  readonly onUnreadable: (error: unknown) => void;
}

/**
 * Offers the commands of edges to the owner of a partition, and sends its answers back. A batch that the
 * owner does not accept is declined, so that its sender repeats it. The returned function ends this; batches
 * that have arrived by then are declined instead of dropped, because their senders would wait for a time-out.
 */
export function serveCommands(
  parts: ServeCommandsParts,
  partition: number,
  offer: (request: Request) => boolean,
): () => void {
  const subscription = parts.bus.subscribe(parts.names.command(partition), (message) => {
    try {
      const request = requestOf(parts, message);
      if (!offer(request)) request.decline();
    } catch (thrown) {
      parts.onUnreadable(thrown);
    }
  });
  return () => {
    subscription.drain();
  };
}

/** Throws if the batch is not readable. */
function requestOf({ onArrival, onDeclined }: ServeCommandsParts, { bytes, reply }: Received): Request {
  const { commands } = decodeCommands(bytes);
  const onAnswered = onArrival(commands);
  const answer = (batch: AnswerBatch): void => {
    onAnswered();
    reply(encodeAnswers(batch));
  };
  return {
    commands,
    bytes: bytes.length,
    decline: () => {
      onDeclined(commands.length);
      answer({ v: 1, retry: true, position: 0, answers: [] });
    },
    answer: (answers, position) => {
      answer({ v: 1, position, answers });
    },
  };
}

import type { NatsConnection } from "@nats-io/transport-node";
import type { Answer, Command } from "@jichat/protocol/bus/command.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { isRefused } from "@jichat/protocol/bus/command.ts";
import type { Sender } from "./command-lane.ts";
import { CommandLane } from "./command-lane.ts";

/** This edge's ways into all partitions. */
export class Lanes {
  readonly partitions: number;
  readonly #lanes: readonly CommandLane[];

  /** `from` names this edge to the owners; `onRetry` counts batches that had to be sent again. */
  constructor(nats: NatsConnection, names: Names, from: string, partitions: number, onRetry: () => void) {
    this.partitions = partitions;
    this.#lanes = Array.from({ length: partitions }, (_, partition) => new CommandLane({
      from, clock: systemClock, onRetry, schedule: (act) => { setImmediate(act); },
      ask: async (bytes, timeoutMs) => (await nats.request(names.command(partition), bytes, { timeout: timeoutMs })).data,
    }));
  }

  of(conversation: string): CommandLane {
    const lane = this.#lanes[partitionOf(conversation, this.partitions)];
    if (lane === undefined) throw new Error("every conversation has a lane");
    return lane;
  }

  /** Commands that are not answered yet. */
  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.unanswered, 0);
  }

  async submit(command: Command, sender: Sender): Promise<Exclude<Answer, "later">> {
    return this.of(command.conversation).submit(command, sender);
  }

  /** As `submit`, a refusal thrown; for callers that have no socket. */
  async require(command: Command): Promise<{ seq: number; ts: number; duplicate?: true | undefined }> {
    const answer = await this.submit(command, { isOpen: () => true });
    if (isRefused(answer)) throw new ChatError(answer.code, answer.message, answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs });
    return answer;
  }
}

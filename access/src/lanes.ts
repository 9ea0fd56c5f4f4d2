import type { NatsConnection } from "@nats-io/transport-node";
import type { Answer, Command } from "@jichat/protocol/bus/command.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { Beat } from "@jichat/runtime/beat.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import { REQUEST_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { WHERE, errorOf, isRefused, refusalOf } from "@jichat/protocol/bus/command.ts";
import { AskRefused } from "./command-lane-refusals.ts";
import type { Sender } from "./command-lane.ts";
import { CommandLane } from "./command-lane.ts";
import { beatMs, restMs } from "./gathering.ts";

/** One exchange's weight in what is said of the last ones. */
const EXCHANGE_WEIGHT = 1 / 16;

function refusedForGood(error: unknown): never {
  const final = finalErrorOf(error);
  if (final === undefined) throw error;
  throw new AskRefused(refusalOf(final), { cause: error });
}

/** This edge's ways into all partitions. */
export class Lanes {
  readonly partitions: number;
  readonly #lanes: readonly CommandLane[];
  readonly #beat = new Beat(systemClock, () => beatMs(this.#exchangeMs, this.#unanswered));
  /** How long an owner takes to answer, of late. */
  #exchangeMs = 0;
  /** Commands without an answer whenever a batch leaves, of late. */
  #unanswered = 0;

  /** `from` names this edge to the owners; `onRetry` counts batches that had to be sent again. */
  constructor(nats: NatsConnection, names: Names, from: string, partitions: number, onRetry: () => void) {
    this.partitions = partitions;
    this.#lanes = Array.from(
      { length: partitions },
      (_, partition) =>
        new CommandLane({
          from,
          clock: systemClock,
          onRetry,
          schedule: (act) => {
            this.#beat.next(act);
          },
          restMs: (exchangeMs) => restMs(exchangeMs, this.#unanswered),
          askBytesMax: () => nats.info?.max_payload ?? REQUEST_BYTES_MAX,
          ask: async (bytes, timeoutMs) => {
            this.#unanswered += EXCHANGE_WEIGHT * (this.waiting - this.#unanswered);
            const started = systemClock.monotonic();
            const subject = names.command(partition);
            const { data } = await nats.request(subject, bytes, { timeout: timeoutMs }).catch(refusedForGood);
            this.#exchangeMs += EXCHANGE_WEIGHT * (systemClock.monotonic() - started - this.#exchangeMs);
            return data;
          },
        }),
    );
  }

  of(conversation: string): CommandLane {
    return this.#lane(partitionOf(conversation, this.partitions));
  }

  #lane(partition: number): CommandLane {
    const lane = this.#lanes[partition];
    if (lane === undefined) throw new Error(`there is no partition ${partition}`);
    return lane;
  }

  /** A position that the log of this partition has reached, from its owner and behind an append. */
  async position(partition: number): Promise<number> {
    const lane = this.#lane(partition);
    const answer = await lane.submit(WHERE, { isOpen: () => true });
    if (isRefused(answer)) throw errorOf(answer);
    return lane.position;
  }

  /** The log is another one: no position that was seen says anything of it. */
  forget(): void {
    for (const lane of this.#lanes) lane.position = 0;
  }

  /** Commands that are not answered yet. */
  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.unanswered, 0);
  }

  submit(command: Command, sender: Sender): Promise<Exclude<Answer, "later">> {
    return this.of(command.conversation).submit(command, sender);
  }

  /** As `submit`, a refusal thrown; for callers that have no socket. */
  async require(command: Command): Promise<{ seq: number; ts: number; duplicate?: true | undefined }> {
    const answer = await this.submit(command, { isOpen: () => true });
    if (isRefused(answer)) throw errorOf(answer);
    return answer;
  }
}

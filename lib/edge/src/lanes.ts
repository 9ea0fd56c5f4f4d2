import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { Beat } from "@jichat/runtime/beat.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { WHERE } from "@jichat/conversation/command.ts";
import { errorOf, isRefused } from "@jichat/protocol/bus/command.ts";
import { askOwner } from "./ask-owner.ts";
import type { Ask, Sender } from "./command-lane.ts";
import { CommandLane } from "./command-lane.ts";
import { beatMs, restMs } from "./gathering.ts";

/** Weight of the latest exchange in the moving averages. */
const EXCHANGE_WEIGHT = 1 / 16;

const unansweredOf = (lanes: readonly CommandLane[]): number =>
  lanes.reduce((sum, lane) => sum + lane.unanswered, 0);

interface LanesParts {
  readonly bus: Pick<Bus, "bytesMax" | "request">;
  readonly names: Pick<Names, "command">;
  readonly clock: Clock;
  /** Names this edge to the owners. */
  readonly from: string;
  readonly partitions: number;
  /** Counts batches that had to be sent again. */
  readonly onRetry: () => void;
}

/** This edge's command lanes, two for each partition: one for writes, one for reads. */
export class Lanes {
  readonly partitions: number;
  readonly #lanes: readonly CommandLane[];
  /** For commands that only need some append to confirm the owner. No message waits behind them. */
  readonly #readingLanes: readonly CommandLane[];
  readonly #beat: Beat;
  /** Moving average of an owner's answer time, in milliseconds. */
  #exchangeMs = 0;
  /** Moving average of the number of unanswered commands, sampled when a batch leaves. */
  #unanswered = 0;

  constructor({ bus, names, clock, from, partitions, onRetry }: LanesParts) {
    this.partitions = partitions;
    this.#beat = new Beat(clock, () => beatMs(this.#exchangeMs, this.#unanswered));
    const options = {
      from,
      clock,
      onRetry,
      schedule: (act: () => void) => {
        this.#beat.next(act);
      },
      askBytesMax: () => bus.bytesMax,
    };
    const askOf = (partition: number): Ask =>
      askOwner({ bus, clock, subject: names.command(partition), from });
    const every = (laneOf: (partition: number) => CommandLane): CommandLane[] =>
      Array.from({ length: partitions }, (_, partition) => laneOf(partition));
    this.#lanes = every((partition) => {
      const ask = askOf(partition);
      return new CommandLane({
        ...options,
        restMs: (exchangeMs) => restMs(exchangeMs, this.#unanswered),
        ask: async (bytes, timeoutMs) => {
          this.#unanswered += EXCHANGE_WEIGHT * (unansweredOf(this.#lanes) - this.#unanswered);
          const started = clock.monotonic();
          const data = await ask(bytes, timeoutMs);
          this.#exchangeMs += EXCHANGE_WEIGHT * (clock.monotonic() - started - this.#exchangeMs);
          return data;
        },
      });
    });
    this.#readingLanes = every(
      (partition) => new CommandLane({ ...options, restMs: () => 0, ask: askOf(partition) }),
    );
  }

  #lane(lanes: readonly CommandLane[], partition: number): CommandLane {
    const lane = lanes[partition];
    if (lane === undefined) throw new Error(`there is no partition ${partition}`);
    return lane;
  }

  /**
   * A position that the partition's log has reached. The owner names it after an append, so a deposed owner
   * cannot. Throws the ChatError of a refusal.
   */
  async position(partition: number): Promise<number> {
    const lane = this.#lane(this.#readingLanes, partition);
    const answer = await lane.submit(WHERE, { isOpen: () => true });
    if (isRefused(answer)) throw errorOf(answer);
    return lane.position;
  }

  /** The highest position of this partition's log that any answer to this edge has named. */
  seen(partition: number): number {
    const of = (lanes: readonly CommandLane[]): number => this.#lane(lanes, partition).position;
    return Math.max(of(this.#lanes), of(this.#readingLanes));
  }

  /** Called when the log was replaced: positions of the old log mean nothing in the new one. */
  forget(): void {
    for (const lane of [...this.#lanes, ...this.#readingLanes]) lane.position = 0;
  }

  /** Number of commands without an answer. */
  get waiting(): number {
    return unansweredOf(this.#lanes) + unansweredOf(this.#readingLanes);
  }

  /** Sends a command to the owner of its conversation's partition: `CommandLane.submit`. */
  submit(command: Command, sender: Sender): Promise<Exclude<Answer, "later">> {
    const lanes = command.op === "look" ? this.#readingLanes : this.#lanes;
    return this.#lane(lanes, partitionOf(command.conversation, this.partitions)).submit(command, sender);
  }

  /** Like `submit`, but throws a refusal as a ChatError. For callers without a socket. */
  async require(command: Command): Promise<{ seq: number; ts: number; duplicate?: true | undefined }> {
    const answer = await this.submit(command, { isOpen: () => true });
    if (isRefused(answer)) throw errorOf(answer);
    return answer;
  }
}

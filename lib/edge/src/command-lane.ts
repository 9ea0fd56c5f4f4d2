import type { Clock } from "@jichat/protocol/clock.ts";
import type { Command } from "@jichat/conversation/command.ts";
import { recordBytesOf } from "@jichat/conversation/command.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import { decodeAnswers, encodeCommands, isRefused, refusalOf } from "@jichat/protocol/bus/command.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { COMMANDS_PER_BATCH_MAX, REQUEST_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { SendRefused } from "@jichat/runtime/bus.ts";
import { RetransmissionTimeout } from "@jichat/runtime/retransmission-timeout.ts";
import { busy, tooLarge, unavailable } from "./command-lane-refusals.ts";

/**
 * Sends a request to the owner of the lane's partition. Rejects if no owner is there or none answers in time.
 * Rejects with `SendRefused` if repeating the request cannot help.
 */
export type Ask = (bytes: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;

/** The origin of a command. It waits for the answer, and can cancel the command until it is in a batch. */
export interface Sender {
  /** False once the socket has closed. A command that is not yet in a batch is then dropped. */
  isOpen(): boolean;
  /**
   * Called on a retryable refusal of the command, its own or a shared one. The call comes before the next
   * batch is composed, so that later sends can share the refusal.
   */
  refused?(command: Command, refusal: Refused): void;
}

interface Entry {
  readonly command: Command;
  readonly sender: Sender;
  /** The command as JSON. It is encoded once, so the measured size is the size on the wire. */
  readonly text: string;
  readonly bytes: number;
  readonly giveUpAt: number;
  readonly order: number;
  resolve: ((answer: Answer) => void) | undefined;
}

export interface LaneOptions {
  readonly from: string;
  readonly clock: Clock;
  readonly ask: Ask;
  /**
   * Runs `act` after the current turn of the event loop, or later. Commands of one turn travel together, and
   * lanes on the same beat start together.
   */
  readonly schedule: (act: () => void) => void;
  /** The pause after an exchange of this duration. A pause below the resolution of a timer is skipped. */
  readonly restMs: (exchangeMs: number) => number;
  readonly onRetry?: () => void;
  /**
   * The size limit of a request if it is lower than `REQUEST_BYTES_MAX`. A larger command is refused without
   * a request.
   */
  readonly askBytesMax?: () => number;
  readonly queueMax?: number;
}

const RETRY_MS = 25;
const LATER_MS = 8;
const REST_MIN_MS = 1;
/** A client gets UNAVAILABLE after this time. The batch itself is repeated until it is answered. */
const GIVE_UP_MS = 8_000;
const QUEUE_MAX = 8_192;

const keyOf = ({ session, conversation }: Command): string => `${session} ${conversation}`;

/**
 * One edge's queue of commands for one partition. One batch is in flight. It is repeated unchanged until it
 * is answered.
 */
export class CommandLane {
  readonly #options: LaneOptions;
  #queue: Entry[] = [];
  /**
   * Commands that were answered `later`, and those that came behind one of them from the same socket to the
   * same conversation.
   */
  #deferred: Entry[] = [];
  readonly #held = new Set<string>();
  /** When the first deferred command was answered `later`. */
  #laterAt = 0;
  #running = false;
  #number = 0;
  #order = 0;
  /** A request or its answer is lost if the connection of either side is lost. */
  readonly #timeout = new RetransmissionTimeout();
  /** The batch in flight. */
  #inFlight: readonly Entry[] = [];
  /** The first send of each key that has just got a retryable refusal. Sends behind it share the refusal. */
  readonly #refused = new Map<string, { readonly order: number; readonly refusal: Refused }>();
  /** The highest log position that any answer has named: this edge knows that it is committed. */
  position = 0;
  unanswered = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length + this.#deferred.length;
  }

  /**
   * Resolves with the owner's decision, or with a refusal. Never rejects. The command of a closed sender may
   * never be resolved.
   */
  submit(command: Command, sender: Sender): Promise<Exclude<Answer, "later">> {
    if (this.waiting >= (this.#options.queueMax ?? QUEUE_MAX)) {
      sender.refused?.(command, busy);
      return Promise.resolve(busy);
    }
    const { promise, resolve } = Promise.withResolvers<Exclude<Answer, "later">>();
    const text = JSON.stringify(command);
    this.unanswered += 1;
    this.#order += 1;
    this.#queue.push({
      order: this.#order,
      command,
      sender,
      text,
      bytes: recordBytesOf(command, text),
      giveUpAt: this.#options.clock.monotonic() + GIVE_UP_MS,
      resolve: (answer) => {
        if (answer !== "later") resolve(answer);
      },
    });
    if (!this.#running) {
      this.#running = true;
      this.#options.schedule(() => void this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    while (this.waiting > 0) {
      const batch = this.#compose();
      if (batch.length > 0) await this.#exchangeAndRest(batch);
      else await this.#options.clock.sleep(LATER_MS);
      this.#release();
      if (this.waiting > 0) await this.#turn();
    }
    this.#running = false;
  }

  async #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.schedule(resolve);
    await promise;
  }

  /**
   * Deferred commands go back to the front of the queue in their old order, `LATER_MS` after the first was
   * deferred.
   */
  #release(): void {
    if (this.#deferred.length === 0 || this.#options.clock.monotonic() < this.#laterAt + LATER_MS) return;
    this.#queue = [...this.#deferred, ...this.#queue];
    this.#deferred = [];
    this.#held.clear();
  }

  #compose(): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    const bytesMax = Math.min(REQUEST_BYTES_MAX, this.#options.askBytesMax?.() ?? REQUEST_BYTES_MAX);
    for (const entry of this.#queue) {
      if (batch.length >= COMMANDS_PER_BATCH_MAX || (bytes + entry.bytes > bytesMax && batch.length > 0))
        break;
      taken += 1;
      if (entry.resolve === undefined) continue;
      if (!entry.sender.isOpen()) {
        this.#drop(entry);
        continue;
      }
      if (this.#held.has(keyOf(entry.command))) {
        this.#deferred.push(entry);
        continue;
      }
      const shared = this.#sharedBy(entry);
      if (shared !== undefined) this.#answer(entry, shared);
      else if (this.#options.clock.monotonic() > entry.giveUpAt) this.#answer(entry, unavailable);
      else if (entry.bytes > bytesMax) this.#answer(entry, tooLarge(entry.bytes, bytesMax));
      else {
        batch.push(entry);
        bytes += entry.bytes;
      }
    }
    this.#queue.splice(0, taken);
    this.#refuseBehind();
    return batch;
  }

  /** The socket has closed and the command is in no batch, so nobody waits for an answer. */
  #drop(entry: Entry): void {
    if (entry.resolve !== undefined) this.unanswered -= 1;
    entry.resolve = undefined;
  }

  #answer(entry: Entry, given: Answer): void {
    if (entry.resolve === undefined) return;
    const answer = this.#sharedBy(entry) ?? given;
    this.unanswered -= 1;
    entry.resolve(answer);
    entry.resolve = undefined;
    if (!isRetryableRefusal(answer)) return;
    const { command, order, sender } = entry;
    sender.refused?.(command, answer);
    if (command.op !== "send") return;
    const first = this.#refused.get(keyOf(command));
    if (first === undefined || order < first.order)
      this.#refused.set(keyOf(command), { order, refusal: answer });
  }

  /** The refusal of an earlier send with the same key, if that one was refused just now. */
  #sharedBy({ command, order }: Entry): Refused | undefined {
    if (this.#refused.size === 0 || command.op !== "send") return undefined;
    const first = this.#refused.get(keyOf(command));
    return first !== undefined && first.order < order ? first.refusal : undefined;
  }

  /**
   * Refuses all sends behind a refused one at once, also those in flight in the same batch: the refused send
   * will be sent again, and they must follow it. Answers that arrive for them later are ignored. One pass
   * over the queue serves all refusals, because an outage refuses a whole queue.
   */
  #refuseBehind(): void {
    if (this.#refused.size === 0) return;
    for (const entry of [...this.#inFlight, ...this.#deferred, ...this.#queue]) {
      const shared = this.#sharedBy(entry);
      if (shared !== undefined) this.#answer(entry, shared);
    }
    this.#refused.clear();
    const isOpen = ({ resolve }: Entry): boolean => resolve !== undefined;
    this.#queue = this.#queue.filter(isOpen);
    this.#deferred = this.#deferred.filter(isOpen);
  }

  /**
   * Commands gather while the lane rests. Batches become fewer and larger where they are most expensive. A
   * queue that already fills a batch does not wait.
   */
  async #exchangeAndRest(batch: readonly Entry[]): Promise<void> {
    const { clock } = this.#options;
    const started = clock.monotonic();
    this.#inFlight = batch;
    await this.#exchange(batch);
    this.#inFlight = [];
    const restMs = this.#options.restMs(clock.monotonic() - started);
    if (restMs >= REST_MIN_MS && this.#queue.length < COMMANDS_PER_BATCH_MAX) await clock.sleep(restMs);
  }

  /**
   * Repeats the same bytes until the owner answers, or until a final refusal. If an earlier try may have
   * reached the owner, the outcome of the batch is unknown, so a final refusal is answered as `unavailable`.
   */
  async #exchange(batch: readonly Entry[]): Promise<void> {
    const { from, clock, ask, onRetry } = this.#options;
    this.#number += 1;
    const texts = batch.map(({ text }) => text);
    const bytes = encodeCommands(from, this.#number, texts);
    for (let isFirst = true; ; isFirst = false) {
      const began = clock.monotonic();
      const withinMs = this.#timeout.ms;
      try {
        const reply = decodeAnswers(await ask(bytes, withinMs));
        if (isFirst) this.#timeout.answered(clock.monotonic() - began);
        if (reply.retry !== true) {
          this.position = Math.max(this.position, reply.position);
          this.#settle(batch, reply.answers);
          return;
        }
      } catch (error) {
        if (error instanceof SendRefused) {
          for (const entry of batch) this.#answer(entry, isFirst ? refusalOf(error.refusal) : unavailable);
          this.#refuseBehind();
          return;
        }
        if (clock.monotonic() - began >= withinMs) this.#timeout.passed();
        // No owner, or no answer: the owner may have stored the whole batch or nothing.
      }
      onRetry?.();
      this.#giveUp(batch);
      await clock.sleep(RETRY_MS);
    }
  }

  #settle(batch: readonly Entry[], answers: readonly Answer[]): void {
    batch.forEach((entry, index) => {
      const answer = answers[index] ?? unavailable;
      if (answer === "later" && entry.resolve !== undefined && this.#sharedBy(entry) === undefined) {
        if (this.#deferred.length === 0) this.#laterAt = this.#options.clock.monotonic();
        this.#held.add(keyOf(entry.command));
        this.#deferred.push(entry);
      } else this.#answer(entry, answer);
    });
    this.#refuseBehind();
  }

  #giveUp(batch: readonly Entry[]): void {
    const now = this.#options.clock.monotonic();
    for (const entry of batch) if (now > entry.giveUpAt) this.#answer(entry, unavailable);
    const expired = this.#queue.filter((entry) => now > entry.giveUpAt || !entry.sender.isOpen());
    for (const entry of expired) this.#answer(entry, unavailable);
    if (expired.length > 0) this.#queue = this.#queue.filter((entry) => entry.resolve !== undefined);
    this.#refuseBehind();
  }
}

/** True for a refusal that goes away by itself, so that the same command may be sent again. */
export const isRetryableRefusal = (answer: Answer): answer is Refused =>
  isRefused(answer) && isRetryable(answer.code);

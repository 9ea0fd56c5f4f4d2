import type { Clock } from "@jichat/protocol/clock.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer, AnswerBatch, Refused } from "@jichat/protocol/bus/command.ts";
import { recordBytesOf } from "@jichat/conversation/command.ts";
import { encodeCommands, isRefused } from "@jichat/protocol/bus/command.ts";
import { decodeInner } from "@jichat/protocol/bus/wire.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { COMMANDS_PER_BATCH_MAX, REQUEST_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { AskRefused, busy, tooLarge, unavailable } from "./command-lane-refusals.ts";

/**
 * Sends a request to the owner of the lane's partition. Rejects when nobody is there or nobody answers,
 * with `AskRefused` when no repetition can change that.
 */
export type Ask = (bytes: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;

/** Who waits for a command's answer, and what may become of it before it is in a batch. */
export interface Sender {
  /** False once its socket is gone: a command that is not yet in a batch dies with it. */
  isOpen(): boolean;
  /**
   * Told of a retryable refusal, its own or one that it shares, before anything else is composed: so that
   * later sends can share it.
   */
  refused?(command: Command, refusal: Refused): void;
}

interface Entry {
  readonly command: Command;
  readonly sender: Sender;
  /** Encoded once: what is measured is what travels. */
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
   * Runs `act` once what is happening now has happened, or later: commands of one turn travel together, and
   * lanes that share a beat start together.
   */
  readonly schedule: (act: () => void) => void;
  /** How long the lane rests behind an exchange that took so long; not at all below a timer's resolution. */
  readonly restMs: (exchangeMs: number) => number;
  readonly onRetry?: () => void;
  /** What a request may take at most, if that is less than `REQUEST_BYTES_MAX`: more is refused, not asked. */
  readonly askBytesMax?: () => number;
  readonly queueMax?: number;
}

const ASK_TIMEOUT_MS = 2_000;
const RETRY_MS = 25;
const LATER_MS = 8;
const REST_MIN_MS = 1;
/** A client hears UNAVAILABLE after this long; the batch itself is repeated until it is answered. */
const GIVE_UP_MS = 8_000;
const QUEUE_MAX = 8_192;

const keyOf = ({ session, conversation }: Command): string => `${session} ${conversation}`;

/** One edge's way into one partition: one batch in flight, repeated unchanged until it is answered. */
export class CommandLane {
  readonly #options: LaneOptions;
  #queue: Entry[] = [];
  /**
   * Answered `later`, and whatever came behind one of those over the same socket to the same conversation.
   */
  #deferred: Entry[] = [];
  readonly #held = new Set<string>();
  /** When the first of what is deferred was answered `later`. */
  #laterAt = 0;
  #running = false;
  #number = 0;
  #order = 0;
  /** On its way, and not answered. */
  #inFlight: readonly Entry[] = [];
  /** Sends that were refused for a while just now, the first of each key: those behind them share it. */
  readonly #refused = new Map<string, { readonly order: number; readonly refusal: Refused }>();
  /** The highest position that an answer named: what this edge has seen committed. */
  position = 0;
  unanswered = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length + this.#deferred.length;
  }

  /** Resolves with what the owner decided; never rejects. A closed sender's command may never be resolved. */
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

  /** What was answered `later` comes first again, in its old order, a while after it was answered. */
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

  /** Its socket is gone and it is in no batch: nobody waits for it. */
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

  /** The refusal of a send in front of it that was refused just now. */
  #sharedBy({ command, order }: Entry): Refused | undefined {
    if (this.#refused.size === 0 || command.op !== "send") return undefined;
    const first = this.#refused.get(keyOf(command));
    return first !== undefined && first.order < order ? first.refusal : undefined;
  }

  /**
   * Sends behind a refused one share its fate at once, also those that are on their way with it: it will come
   * again, and they behind it. What a batch was told of later, nobody waits for by then. One walk for all:
   * an outage refuses a whole queue.
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
   * Resting, what comes meanwhile gathers: fewer and larger batches where they cost most. What is large
   * enough already need not wait.
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
   * Repeats the same bytes until somebody answers them, or until it is sure that nobody will. Where an
   * earlier try may have been taken nothing is known of the batch then, and that is what is said.
   */
  async #exchange(batch: readonly Entry[]): Promise<void> {
    const { from, clock, ask, onRetry } = this.#options;
    this.#number += 1;
    const texts = batch.map(({ text }) => text);
    const bytes = encodeCommands(from, this.#number, texts);
    for (let isFirst = true; ; isFirst = false) {
      try {
        const reply = decodeInner<AnswerBatch>(await ask(bytes, ASK_TIMEOUT_MS), "an answer of the owner");
        if (reply.retry !== true) {
          this.position = Math.max(this.position, reply.position);
          this.#settle(batch, reply.answers);
          return;
        }
      } catch (error) {
        if (error instanceof AskRefused) {
          for (const entry of batch) this.#answer(entry, isFirst ? error.refusal : unavailable);
          this.#refuseBehind();
          return;
        }
        // Nobody there, or no answer: the owner may have stored all of it or nothing.
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

export const isRetryableRefusal = (answer: Answer): answer is Refused =>
  isRefused(answer) && isRetryable(answer.code);

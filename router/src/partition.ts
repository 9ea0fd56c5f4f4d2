import type { Clock } from "@jichat/protocol/clock.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import { recordBytesOfAll } from "@jichat/conversation/command.ts";
import { refusalOf } from "@jichat/protocol/bus/command.ts";
import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import type { Batch, LogRecord } from "@jichat/protocol/log/record.ts";
import type { BatchSize } from "./batch-room.ts";
import { ColdLoads } from "./cold-loads.ts";
import { compose } from "./compose.ts";
import type { Composed } from "./compose.ts";
import type { Effects } from "./effects.ts";
import type { IsOurs } from "./fenced-append.ts";
import { AppendRefused, LogFull, OwnershipLost, appendFenced } from "./fenced-append.ts";
import type { PartitionState } from "./partition-state.ts";
import type { FactsSource, Log } from "./ports.ts";
import { Readers, isReading } from "./readers.ts";

/** One connector's batch on its way through: answered once, or declined when the reign ends first. */
export interface Request {
  readonly commands: readonly Command[];
  /** Of the message that they came in. */
  readonly bytes: number;
  readonly answer: (answers: readonly Answer[], position: number) => void;
  /**
   * Says nothing but "again": safe at any time, since a batch is repeated unchanged and its ids are known.
   */
  readonly decline: () => void;
}

export interface Reign {
  readonly owner: string;
  readonly state: PartitionState;
  readonly effects: Effects;
  readonly log: Log;
  readonly facts: FactsSource;
  readonly clock: Clock;
  readonly ours?: IsOurs | undefined;
  /** True while the stream is over 90 % of its limit. */
  readonly isFull: () => boolean;
  /** What one append takes, encoded. */
  readonly batchSize: BatchSize;
  readonly onBatch?:
    | ((records: readonly LogRecord[], requests: number, appendMs: number) => void)
    | undefined;
  /** Position of the epoch record, and the number of the next batch. */
  position: number;
  number: number;
}

/** Requests that may wait for one partition; one more is dropped, and its connector asks again. */
export const INBOX_REQUESTS_MAX = 1_024;

/** An append that takes longer is one of a log that does not answer: a snapshot is not worth the wait. */
const CAPTURE_WAIT_MS = 5_000;

/**
 * The loop that gives a partition its order: one append in flight, what arrives meanwhile is the next batch.
 */
export class Partition {
  readonly #reign: Reign;
  readonly #loads: ColdLoads;
  #inbox: Request[] = [];
  /** Readers that have just come: what can be told them without an append is. */
  #arrivals: Request[] = [];
  readonly #readers = new Readers<Request>();
  #wake: () => void = () => {};
  #isOver = false;
  /** Monotonic: when the loop last came by, or was given work after it had none. */
  #cameBy: number;
  #appendSince: number | undefined;
  /** While a batch is on its way the state is ahead of the log: nothing of it may be kept. */
  #isAhead = false;
  readonly #captures = new Set<(isClean: boolean) => void>();

  constructor(reign: Reign) {
    this.#reign = reign;
    this.#cameBy = reign.clock.monotonic();
    this.#loads = new ColdLoads(reign.facts, reign.clock, reign.state, () => {
      this.#wake();
    });
  }

  get waiting(): number {
    return this.#inbox.length + this.#arrivals.length + this.#readers.count;
  }

  /** Monotonic: since when the log has not answered; undefined where it is not asked. */
  get appendSince(): number | undefined {
    return this.#appendSince;
  }

  /** How long requests have waited for a loop that waits for nobody: it should have taken them. */
  get stuckMs(): number {
    if (this.#inbox.length + this.#arrivals.length === 0 || this.#appendSince !== undefined) return 0;
    return this.#reign.clock.monotonic() - this.#cameBy;
  }

  get position(): number {
    return this.#reign.position;
  }

  /** False when the inbox is full or the reign is over: the sender is to repeat its batch. */
  offer(request: Request): boolean {
    if (this.#isOver || this.waiting >= INBOX_REQUESTS_MAX) return false;
    if (this.#inbox.length + this.#arrivals.length === 0) this.#cameBy = this.#reign.clock.monotonic();
    if (isReading(request.commands)) this.#arrivals.push(request);
    else this.#inbox.push(request);
    this.#wake();
    return true;
  }

  /**
   * Runs until `stop` aborts, and finishes the append in flight: what the log has taken must be answered.
   * `abort` cuts even that short. Throws when the log belongs to somebody else now.
   */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    stop.addEventListener(
      "abort",
      () => {
        this.#wake();
      },
      { once: true },
    );
    try {
      while (!stop.aborted) {
        this.#cameBy = this.#reign.clock.monotonic();
        this.#loads.settle();
        this.#meetReaders();
        const requests = this.#drainQueue();
        if (requests.length > 0 || this.#readersDueInMs() === 0) await this.#turn(requests, abort);
        this.#loads.ask(this.#reign.position);
        if (this.#inbox.length + this.#arrivals.length === 0 && !stop.aborted) await this.#sleep();
      }
    } finally {
      this.#isOver = true;
      const left = [...this.#inbox.splice(0), ...this.#arrivals.splice(0), ...this.#readers.takeAll()];
      for (const request of left) request.decline();
    }
  }

  /** Until it is woken, or until an append for readers is due. */
  async #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const dueInMs = this.#readersDueInMs();
    if (dueInMs === undefined) return promise;
    const over = new AbortController();
    // Woken earlier, it is called off.
    this.#reign.clock.sleep(dueInMs, over.signal).then(resolve, () => undefined);
    await promise;
    over.abort(new Error("woken"));
  }

  #readersDueInMs(): number | undefined {
    return this.#readers.dueInMs(this.#reign.clock.monotonic());
  }

  /** Who is told nothing but that storage is being asked need not wait for an append. */
  #meetReaders(): void {
    const now = this.#reign.clock.now();
    for (;;) {
      const [request] = this.#arrivals;
      if (request === undefined) return;
      const { fenced, answers } = this.#compose([request], now);
      this.#arrivals.shift();
      if (fenced) this.#readers.add(request);
      else request.answer(answers[0] ?? [], this.#reign.position);
    }
  }

  /** As many requests as surely fit into one batch: what does not is the next one, and not `later`. */
  #drainQueue(): Request[] {
    let bytes = 0;
    let count = 0;
    for (const request of this.#inbox) {
      bytes += recordBytesOfAll(request.commands, request.bytes);
      if (bytes > this.#reign.batchSize.cut && count > 0) break;
      count += 1;
    }
    return this.#inbox.splice(0, count);
  }

  async #turn(writers: readonly Request[], abort: AbortSignal): Promise<void> {
    this.#isAhead = true;
    let asking = writers;
    const now = this.#reign.clock.now();
    try {
      const written = this.#compose(writers, now);
      // An append that is made anyway serves whoever waits for one.
      const readers = written.fenced || this.#readersDueInMs() === 0 ? this.#readers.takeAll() : [];
      if (readers.length > 0) asking = [...writers, ...readers];
      const read = readers.length === 0 ? undefined : this.#compose(readers, now);
      if (written.fenced || read?.fenced === true) await this.#store(written, now, asking.length, abort);
      const answers = read === undefined ? written.answers : [...written.answers, ...read.answers];
      asking.forEach((request, index) => {
        request.answer(answers[index] ?? [], this.#reign.position);
      });
      this.#settled(true);
    } catch (error) {
      this.#settled(false);
      throw this.#refuse(asking, error);
    }
  }

  /**
   * When the stream has no room, or takes writes of ours on no repetition, everybody hears so, and the state,
   * ahead of the log now, ends this reign. Behind anything else everybody is declined, and what was too large
   * too: its owner cuts smaller then. Returns what ends the reign.
   */
  #refuse(requests: readonly Request[], error: unknown): unknown {
    const refusal =
      error instanceof AppendRefused ? error.refusal : error instanceof LogFull ? error : undefined;
    if (refusal === undefined || refusal.code === "FRAME_TOO_LARGE") {
      for (const request of requests) request.decline();
      return error;
    }
    for (const request of requests)
      request.answer(
        request.commands.map(() => refusalOf(refusal)),
        this.#reign.position,
      );
    return new OwnershipLost(`${refusal.message}: the state is dropped and read again`, { cause: error });
  }

  /**
   * What `take` makes of the state at a moment when state and log agree; undefined when the reign ends, or
   * five seconds go by, before one comes.
   */
  async capture<T>(take: () => T): Promise<T | undefined> {
    if (!this.#isAhead) return take();
    if (this.#isOver) return undefined;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const over = new AbortController();
    // Called at that moment, not after it: a microtask later the next batch may be on its way.
    const act = (isClean: boolean): void => {
      over.abort(new Error("it has come"));
      this.#captures.delete(act);
      resolve(isClean ? take() : undefined);
    };
    this.#captures.add(act);
    this.#reign.clock.sleep(CAPTURE_WAIT_MS, over.signal).then(
      () => {
        act(false);
      },
      () => undefined, // It has come.
    );
    return promise;
  }

  #settled(isClean: boolean): void {
    // A failed append leaves the state ahead for ever: it is dropped with the reign.
    if (isClean) this.#isAhead = false;
    for (const act of this.#captures) act(isClean);
  }

  #compose(requests: readonly Request[], now: number): Composed {
    const { state, position, isFull, batchSize } = this.#reign;
    const commands = requests.map((request) => request.commands);
    return compose(state, commands, position + 1, now, isFull(), this.#loads, batchSize);
  }

  async #store(
    { records, texts, effects }: Composed,
    ts: number,
    requests: number,
    abort: AbortSignal,
  ): Promise<void> {
    const reign = this.#reign;
    const { owner, number, clock } = reign;
    const batch: Batch = { v: 1, owner, number, done: reign.effects.done, ts, records };
    await this.#append(batch, encodeBatch(batch, texts), requests, abort);
    if (records.length > 0) reign.effects.add(effects);
    else this.#readers.emptyAppend(clock.monotonic());
    reign.state.shed(ts, reign.facts.watermark());
  }

  async #append(batch: Batch, bytes: Uint8Array, requests: number, abort: AbortSignal): Promise<void> {
    const reign = this.#reign;
    const started = reign.clock.monotonic();
    this.#appendSince = started;
    try {
      reign.position = await appendFenced(
        reign.log,
        batch,
        bytes,
        reign.position,
        reign.clock,
        abort,
        reign.ours,
      );
    } finally {
      this.#appendSince = undefined;
      this.#cameBy = reign.clock.monotonic();
    }
    reign.number += 1;
    reign.onBatch?.(batch.records, requests, reign.clock.monotonic() - started);
  }
}

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
import type { IsOurs } from "@jichat/log/fenced-append.ts";
import { AppendRefused, LogFull, OwnershipLost, appendFenced } from "@jichat/log/fenced-append.ts";
import type { PartitionState } from "./partition-state.ts";
import type { FactsSource, Log } from "./ports.ts";
import { Readers, isReading } from "./readers.ts";

/** A batch of one connector. It is answered once, or declined if the reign ends first. */
export interface Request {
  readonly commands: readonly Command[];
  /** Bytes of the message with the commands. */
  readonly bytes: number;
  readonly answer: (answers: readonly Answer[], position: number) => void;
  /**
   * Tells the sender to repeat the batch. Safe at any time: the batch comes again unchanged, and its ids are
   * known.
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
  /** Most bytes of one append, encoded. */
  readonly batchSize: BatchSize;
  readonly onBatch?:
    | ((records: readonly LogRecord[], requests: number, appendMs: number) => void)
    | undefined;
  /** Position of the epoch record, and the number of the next batch. */
  position: number;
  number: number;
}

/** Most requests that wait for one partition. A further one is declined, and its connector sends it again. */
const INBOX_REQUESTS_MAX = 1_024;

/** After this time the log counts as silent, and a snapshot is not worth the wait. */
const CAPTURE_WAIT_MS = 5_000;

/**
 * The loop that orders a partition. One append is in flight; requests that arrive meanwhile form the next
 * batch.
 */
export class Partition {
  readonly #reign: Reign;
  readonly #loads: ColdLoads;
  #inbox: Request[] = [];
  /** New readers. Those that can be answered without an append are. */
  #arrivals: Request[] = [];
  readonly #readers = new Readers<Request>();
  #wake: () => void = () => {};
  #isOver = false;
  /** Monotonic time at which the loop last ran, or got work after it had none. */
  #cameBy: number;
  #appendSince: number | undefined;
  /** True while an append is in flight: the state is ahead of the log, and must not be saved. */
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

  /** Monotonic time at which the append in flight began; `undefined` if none is in flight. */
  get appendSince(): number | undefined {
    return this.#appendSince;
  }

  /**
   * How long, in milliseconds, requests have waited for a loop that waits for nothing and should have taken
   * them.
   */
  get stuckMs(): number {
    if (this.#inbox.length + this.#arrivals.length === 0 || this.#appendSince !== undefined) return 0;
    return this.#reign.clock.monotonic() - this.#cameBy;
  }

  get position(): number {
    return this.#reign.position;
  }

  /** False if the inbox is full or the reign is over: the sender has to repeat its batch. */
  offer(request: Request): boolean {
    if (this.#isOver || this.waiting >= INBOX_REQUESTS_MAX) return false;
    if (this.#inbox.length + this.#arrivals.length === 0) this.#cameBy = this.#reign.clock.monotonic();
    if (isReading(request.commands)) this.#arrivals.push(request);
    else this.#inbox.push(request);
    this.#wake();
    return true;
  }

  /**
   * Runs until `stop` aborts, then finishes the append in flight, since stored commands must be answered.
   * `abort` ends that too. Throws when the log belongs to another owner, or the reign ends for another
   * reason.
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

  /** Resolves when it is woken, or when an append for readers is due. */
  async #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const dueInMs = this.#readersDueInMs();
    if (dueInMs === undefined) return promise;
    const over = new AbortController();
    // If woken earlier, the timer is cancelled.
    this.#reign.clock.sleep(dueInMs, over.signal).then(resolve, () => undefined);
    await promise;
    over.abort(new Error("woken"));
  }

  #readersDueInMs(): number | undefined {
    return this.#readers.dueInMs(this.#reign.clock.monotonic());
  }

  /** An answer that only says that storage is being asked need not wait for an append. */
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

  /**
   * Takes as many requests as certainly fit into one batch. The others form the next batch instead of being
   * answered `later`.
   */
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
      // An append that happens anyway also serves waiting readers.
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
   * Answers requests whose append failed. If the log is full, or refuses our writes for good, every command
   * gets that refusal; the state, which is ahead of the log, ends the reign. After any other error, and for a
   * batch that is too large, requests are declined; the owner then makes smaller batches. Returns the error
   * that ends the reign.
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

  /** Calls `take` when state and log agree. `undefined` if the reign ends or five seconds pass first. */
  async capture<T>(take: () => T): Promise<T | undefined> {
    if (!this.#isAhead) return take();
    if (this.#isOver) return undefined;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const over = new AbortController();
    // Called synchronously: a microtask later the next batch may be in flight.
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
      () => undefined, // The moment came first.
    );
    return promise;
  }

  #settled(isClean: boolean): void {
    // After a failed append the state stays ahead of the log. It is dropped with the reign.
    if (isClean) this.#isAhead = false;
    for (const act of this.#captures) act(isClean);
  }

  #compose(requests: readonly Request[], now: number): Composed {
    const { state, position, isFull, batchSize } = this.#reign;
    const commands = requests.map((request) => request.commands);
    return compose(state, commands, {
      position: position + 1,
      now,
      logIsFull: isFull(),
      waiting: this.#loads,
      batchSize,
    });
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
    const { clock, log, ours, position: expected } = reign;
    const started = clock.monotonic();
    this.#appendSince = started;
    try {
      reign.position = await appendFenced(log, { batch, bytes, expected, clock, signal: abort, ours });
    } finally {
      this.#appendSince = undefined;
      this.#cameBy = clock.monotonic();
    }
    reign.number += 1;
    reign.onBatch?.(batch.records, requests, clock.monotonic() - started);
  }
}

import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Query } from "@jichat/protocol/bus/query.ts";
import { decodeInner, encodeInner } from "@jichat/protocol/bus/wire.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError, asChatError } from "@jichat/protocol/errors.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { wellFormedText } from "@jichat/protocol/frame/well-formed.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { answer } from "./answer.ts";
import { readWatermarks, writeRuns } from "./batch-writer.ts";
import { CarefulInsert } from "./careful-insert.ts";
import { ColdRows } from "./cold-rows.ts";
import type { Config } from "./config.ts";
import { Holdings } from "./holdings.ts";
import { assertContinues } from "./log-regressed.ts";
import { quarantineTeller, storageMetrics } from "./metrics.ts";
import type { StorageMetrics } from "./metrics.ts";
import type { Store } from "./store.ts";
import { Tail } from "./tail.ts";
import { trimPartition } from "./trim.ts";
import { Unwritten } from "./unwritten.ts";
import { WatermarkAnnouncer } from "./watermark-announcer.ts";

/**
 * A question waits this long for its position to be consumed (docs/design.md, "Cold conversations and
 * history").
 */
const POSITION_WAIT_MS = 2_000;
const FLUSH_RETRY_MS = 500;

/** Questions at once; each is small, and who asks gives up after 4 s anyway. */
const QUESTIONS_MAX = 10_000;

/**
 * Owns partitions as the leases say: consumes their logs, writes ClickHouse, answers about the past, trims.
 */
export class Storage {
  readonly #config: Config;
  readonly #nats: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #names: Names;
  readonly #store: Store;
  readonly #careful: CarefulInsert;
  readonly #cold: ColdRows;
  readonly #announcer: WatermarkAnnouncer;
  readonly #telemetry: Telemetry;
  readonly #metrics: StorageMetrics;
  readonly #holdings: Holdings;
  readonly #stop = new AbortController();
  /** Not answered yet. */
  #questions = 0;
  #flushing: Promise<void> = Promise.resolve();
  readonly #unwritten = new Unwritten(systemClock);

  constructor(
    config: Config,
    nats: NatsConnection,
    jsm: JetStreamManager,
    names: Names,
    store: Store,
    watermarks: KV,
    telemetry: Telemetry,
  ) {
    this.#config = config;
    this.#nats = nats;
    this.#jsm = jsm;
    this.#names = names;
    this.#store = store;
    this.#cold = new ColdRows(store);
    this.#announcer = new WatermarkAnnouncer(watermarks, telemetry.log);
    this.#telemetry = telemetry;
    this.#holdings = new Holdings({
      clock: systemClock,
      log: telemetry.log,
      open: async (partition) => this.#open(partition),
      serve: (partition, tail) => this.#serve(partition, tail),
      isFull: () => this.#isFull(),
      write: async (run) => writeRuns([run], this.#store, this.#careful),
      onHeld: () => void this.#announcer.announce(this.#holdings.tails),
    });
    this.#metrics = storageMetrics(telemetry, this.#holdings, this.#unwritten);
    this.#careful = new CarefulInsert(store, quarantineTeller(telemetry.log, this.#metrics));
  }

  start(): void {
    this.#flushing = this.#flushLoop(this.#stop.signal);
    void this.#trimLoop(this.#stop.signal);
  }

  /** The partitions that are leased to us: `Leases` tells it which. */
  get holdings(): Holdings {
    return this.#holdings;
  }

  /** What a person has to know of. */
  faults(): readonly Fault[] {
    const waiting = this.#holdings.tails.map(({ partition }) => partition).sort((a, b) => a - b);
    const why = this.#unwritten.fault();
    return [
      ...this.#holdings.faults(),
      ...(why === undefined ? [] : [{ fault: "HistoryStuck", partitions: waiting, why } as const]),
    ];
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    this.#holdings.stop();
    await this.#flushing;
  }

  async #open(partition: number): Promise<{ tail: Tail; log: PartitionLog }> {
    const watermark = (await readWatermarks(this.#store)).get(partition) ?? 0;
    const log = new PartitionLog(this.#jsm, this.#names, partition);
    await assertContinues(log, this.#store, partition, watermark);
    const recentBytesMax = this.#config.recentBytesMax / this.#config.log.partitions;
    return { tail: new Tail(partition, watermark, recentBytesMax), log };
  }

  #isFull(): boolean {
    let bytes = 0;
    for (const { tail } of this.#holdings.all.values()) bytes += tail.bytes;
    return bytes > this.#config.tailBytesMax;
  }

  #serve(partition: number, tail: Tail): () => void {
    const subscription = this.#nats.subscribe(this.#names.query(partition), {
      callback: (error: Error | null, message: Msg) => {
        if (error === null) void this.#answer(message, tail);
      },
    });
    return () => {
      subscription.unsubscribe();
    };
  }

  async #answer(message: Msg, tail: Tail): Promise<void> {
    this.#questions += 1;
    const started = systemClock.monotonic();
    let kind = "unreadable";
    try {
      if (this.#questions > QUESTIONS_MAX) throw new ChatError("UNAVAILABLE", "history is asked too much");
      const query = decodeInner<Query>(message.data, "a question to storage");
      kind = query.q;
      if (!(await tail.until(query.position, POSITION_WAIT_MS))) {
        throw new ChatError("UNAVAILABLE", `history has not reached position ${query.position} yet`, {
          retryAfterMs: 1_000,
        });
      }
      const reply = await answer(this.#store, this.#cold, tail, query, this.#metrics.countPage);
      message.respond(wellFormedText({ v: 1, reply })); // Throws for more than a message takes.
    } catch (thrown) {
      const error = asChatError(thrown);
      if (error.code === "INTERNAL" || error.cause !== undefined)
        this.#telemetry.log.error({ err: thrown, cause: error.cause }, "a question failed");
      message.respond(encodeInner({ v: 1, error: { code: error.code, message: error.message } } as { v: 1 }));
    } finally {
      this.#questions -= 1;
      this.#metrics.countQuery(kind, systemClock.monotonic() - started);
    }
  }

  /** Writes what has gathered, all partitions in one insert per table, when it is old or large enough. */
  async #flushLoop(signal: AbortSignal): Promise<void> {
    let waited = 0;
    while (!signal.aborted) {
      const step = Math.min(50, this.#config.flushMs);
      await systemClock.sleep(step);
      waited += step;
      const records = this.#holdings.tails.reduce((sum, { growing }) => sum + growing.records, 0);
      if (waited < this.#config.flushMs && records < this.#config.flushRows) continue;
      waited = 0;
      await this.#flush();
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const cuts = this.#holdings.tails.flatMap((tail) => {
      const run = tail.cut();
      return run === undefined ? [] : [{ tail, run }];
    });
    const worth = cuts.filter(({ run }) => run.last >= run.first);
    if (worth.length === 0) return;
    const started = systemClock.monotonic();
    this.#unwritten.begins();
    const runs = worth.map(({ run }) => run);
    const traces = runs.flatMap((run) => run.traces);
    const span = this.#telemetry.linked("storage insert", traces);
    try {
      await writeRuns(runs, this.#store, this.#careful);
    } catch (error) {
      this.#metrics.countFailure();
      this.#unwritten.fails(error);
      this.#telemetry.log.warn(
        { err: error },
        "ClickHouse does not take inserts; the same runs are tried again",
      );
      await systemClock.sleep(FLUSH_RETRY_MS);
      return;
    } finally {
      span?.end();
    }
    this.#unwritten.ends();
    for (const { tail, run } of worth) {
      tail.written(run);
      const mine = this.#holdings.all.get(run.partition);
      if (mine !== undefined) mine.done = Math.max(mine.done, run.done);
    }
    this.#metrics.countInsert(
      runs.reduce((sum, { records }) => sum + records, 0),
      systemClock.monotonic() - started,
    );
    await this.#announcer.announceSometimes(this.#holdings.tails);
  }

  async #trimLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await systemClock.sleep(this.#config.trimEveryMs, signal).catch(() => undefined);
      for (const [partition, { tail, log, done }] of this.#holdings.all) {
        if (signal.aborted) return;
        const limits = {
          watermark: tail.watermark,
          done,
          graceMs: this.#config.trimGraceMs,
          now: systemClock.now(),
        };
        await trimPartition(log, this.#store, partition, limits, this.#telemetry.log).catch(
          (error: unknown) => {
            this.#telemetry.log.warn({ err: error, partition }, "the log was not trimmed");
          },
        );
      }
    }
  }
}

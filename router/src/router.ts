import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { CommandBatch } from "@jichat/conversation/command.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { decodeHandover, encodeHandover } from "@jichat/protocol/bus/handover.ts";
import { readWatermark } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import type { Bus, Received } from "@jichat/runtime/bus.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { LeaseHolder } from "@jichat/log/leases.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import { StorageClient } from "@jichat/log/storage-client.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import { Courier } from "./courier.ts";
import { backlogBytesMax } from "./backlog.ts";
import { factsFrom } from "./facts-client.ts";
import { faultsOf } from "./faults.ts";
import { standstill, waitingFor } from "./health.ts";
import { LogStates } from "./log-states.ts";
import { LogWatch } from "./log-watch.ts";
import { Owner } from "./owner.ts";
import type { OwnerWorld } from "./owner.ts";
import { PushQueue } from "./push-queue.ts";
import { PushWatch } from "./push-watch.ts";
import type { Request } from "./partition.ts";
import { routerMetrics } from "./metrics.ts";
import type { RouterMetrics } from "./metrics.ts";
import type { ServeCommandsParts } from "./serve-commands.ts";
import { serveCommands } from "./serve-commands.ts";
import type { Snapshots } from "@jichat/log/snapshots.ts";
import { longRest } from "@jichat/log/snapshots.ts";

export interface RouterParts {
  readonly config: Pick<Config, "instance" | "snapshotEveryMs">;
  readonly names: Names;
  readonly bus: Bus;
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly presence: Pick<Presence, "giveUp" | "isAlive" | "onRun" | "publish">;
  readonly snapshots: Pick<Snapshots, "load" | "save">;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly partitions: number;
  /** The cluster's level: the forms that every process can read by now. */
  readonly clusterLevel: () => number;
}

const HANDOVER_TIMEOUT_MS = 5_000;

/** Owns the partitions that its leases name, and gives each owner its adapters. */
export class Router implements LeaseHolder {
  readonly #parts: RouterParts;
  readonly #push: PushQueue;
  readonly #owners = new Map<number, Owner>();
  readonly #prepared = new Map<number, Owner>();
  readonly #watermarks = new Map<number, number>();
  readonly #logs: LogStates;
  readonly #logWatch: LogWatch;
  readonly #pushWatch: PushWatch;
  readonly #metrics: RouterMetrics;
  readonly #courier: Courier;
  readonly #storage: StorageClient;
  readonly #stop = new AbortController();
  #isSnapshotting = false;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    const { names, jsm, clock } = parts;
    this.#push = new PushQueue({
      js: jsm.jetstream(),
      names,
      clock,
      count: (outcome, by) => {
        this.#metrics.countPush(outcome, by);
      },
      letGo: (refusal, partition) => {
        this.#warn("the push queue refuses entries of this router: they are dropped", refusal, partition);
      },
    });
    this.#courier = new Courier(parts);
    this.#storage = new StorageClient(parts);
    this.#logs = new LogStates((servers) => {
      if (servers.length === 0) parts.telemetry.log.info("all copies of the logs served here have caught up");
      else
        parts.telemetry.log.warn({ servers }, "nats-servers lag behind with copies of the logs served here");
    });
    this.#logWatch = new LogWatch(parts, this.#logs, (partition) => this.#owners.has(partition));
    this.#pushWatch = new PushWatch(parts, () => this.#owners.keys());
    this.#metrics = routerMetrics(parts.telemetry, this.#owners, {
      pushDropped: () => this.#pushWatch.dropped,
      pushWaiting: () => this.#pushWatch.waiting,
      pushHeld: () => this.#push.held,
      copiesBehind: () => this.#logs.copiesBehind,
      faults: () => this.faults(),
    });
    parts.presence.onRun(() => {
      for (const owner of this.#owners.values()) owner.republish();
    });
  }

  async start(): Promise<void> {
    const { bus, nats, names, config, telemetry } = this.#parts;
    const { signal } = this.#stop;
    const watermarks = await Bucket.open(nats, names.watermarks);
    await watermarks.watch(
      ">",
      (entry) => {
        if (entry.operation === "PUT") this.#watermarks.set(Number(entry.key), readWatermark(entry.string()));
      },
      hearingOf(telemetry.log, "the bucket of watermarks"),
      signal,
    );
    bus.subscribe(names.handover(config.instance), (message) => {
      this.#onHandover(message);
    });
    setInterval(() => void this.#snapshotAll(), config.snapshotEveryMs).unref();
    void this.#logWatch.run(signal);
    void this.#pushWatch.run(signal);
    void this.#push.run(signal);
  }

  /** Why this router is not ready to serve the partitions in `held`; `undefined` if it is. */
  notReady(held: ReadonlySet<number>): string | undefined {
    if (this.#parts.nats.isClosed()) return "NATS connection is closed";
    return waitingFor(
      new Map([...this.#owners].filter(([partition]) => held.has(partition))),
      performance.now(),
    );
  }

  /** Requests that wait for an append, in all partitions that are owned here. */
  get waiting(): number {
    return [...this.#owners.values()].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Why this router should be restarted; `undefined` if it need not be. */
  notLive(): string | undefined {
    return standstill(this.#owners);
  }

  /** The faults of the partitions that are owned here. */
  faults(): readonly Fault[] {
    return faultsOf(this.#owners, this.#logs, this.#parts.clock.monotonic());
  }

  /** One after the other, so that snapshots take little of this router at any time. Never rejects. */
  async #snapshotAll(): Promise<void> {
    if (this.#isSnapshotting) return;
    this.#isSnapshotting = true;
    for (const owner of this.#owners.values()) await owner.snapshot(false);
    this.#isSnapshotting = false;
  }

  acquire(partition: number): void {
    const owner = this.#prepared.get(partition) ?? new Owner(this.#worldOf(partition));
    this.#prepared.delete(partition);
    this.#owners.get(partition)?.drop();
    this.#owners.set(partition, owner);
    owner.start();
  }

  async give(partition: number, to: string | undefined): Promise<void> {
    const { bus, names } = this.#parts;
    const owner = this.#owners.get(partition);
    if (owner === undefined) return;
    if (to !== undefined) {
      // Without a snapshot the successor would read the log from the watermark on, and know no recent id.
      await owner.snapshot();
      // The successor reads while we still serve. If it cannot, it reads afterwards.
      await bus
        .request(names.handover(to), encodeHandover({ v: 1, partition }), HANDOVER_TIMEOUT_MS)
        .catch((error: unknown) => {
          this.#warn("the successor could not prepare the hand-over", error, partition);
        });
    }
    await (to === undefined ? owner.stop() : owner.handOver());
    if (this.#owners.get(partition) === owner) this.#owners.delete(partition);
    await this.#push.release(partition);
  }

  lose(partition: number): void {
    this.#owners.get(partition)?.drop();
    this.#owners.delete(partition);
    void this.#push.release(partition);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await Promise.all(
      [...this.#owners].map(async ([partition, owner]) => {
        await owner.stop();
        await this.#push.release(partition);
      }),
    );
  }

  #warn(what: string, error: unknown, partition: number): void {
    this.#parts.telemetry.log.warn({ err: error, partition }, what);
  }

  #onHandover({ bytes, reply }: Received): void {
    const { partition } = decodeHandover(bytes);
    const owner = new Owner(this.#worldOf(partition));
    owner
      .prepare()
      .then(
        () => this.#prepared.set(partition, owner),
        (error: unknown) => {
          this.#warn("this router could not prepare a hand-over", error, partition);
        },
      )
      .finally(reply);
  }

  #worldOf(partition: number): OwnerWorld {
    const { nats, names, jsm, presence, snapshots, clock } = this.#parts;
    return {
      partition,
      clock,
      log: new PartitionLog(jsm, names, partition),
      facts: factsFrom(this.#storage, partition, () => this.#watermarks.get(partition) ?? 0),
      sessions: {
        publish: (update) => presence.publish(update),
        giveUp: (lostAt) => presence.giveUp(lostAt),
        isAlive: (connector) => presence.isAlive(connector),
      },
      deliverer: {
        deliver: (connector, delivery, timeoutMs) => this.#deliver(connector, delivery, timeoutMs),
      },
      push: this.#push,
      backlogBytesMax: () => backlogBytesMax(this.#owners.size),
      count: this.#metrics.countEffect,
      isFull: () => this.#logs.isFull(partition),
      batchBytesMax: nats.info?.max_payload,
      loadSnapshot: () => snapshots.load(partition),
      saveSnapshot: (snapshot, isInHaste) =>
        snapshots.save(partition, snapshot, isInHaste ? undefined : longRest),
      serve: (offer) => this.#serve(partition, offer),
      onBatch: (records, requests, appendMs) => {
        this.#onBatch(records, requests, appendMs);
      },
      warn: (what, error) => {
        this.#warn(what, error, partition);
      },
      onReign: (times) => {
        this.#parts.telemetry.log.info({ partition, ...times }, "reign begins");
      },
    };
  }

  #onBatch(records: readonly LogRecord[], requests: number, appendMs: number): void {
    this.#metrics.countBatch(records.length, requests, appendMs);
    for (const record of records) {
      if (record.r !== "event" || record.trace === undefined) continue;
      this.#parts.telemetry.child("router append", record.trace, Date.now() - appendMs)?.end();
    }
  }

  async #deliver(connector: string, delivery: Delivery, timeoutMs: number): Promise<void> {
    const traces = delivery.events.map(({ trace }) => trace);
    const span = this.#parts.telemetry.linked("router effects", traces);
    try {
      await this.#courier.deliver(connector, delivery, timeoutMs);
    } finally {
      span?.end();
    }
  }

  /** Starts spans from arrival to answer for commands that are traced. The returned function ends them. */
  #traceCommands(commands: CommandBatch["commands"]): () => void {
    const spans = commands.flatMap(({ trace }) => this.#parts.telemetry.child("router command", trace) ?? []);
    return () => {
      for (const span of spans) span.end();
    };
  }

  #serve(partition: number, offer: (request: Request) => boolean): () => void {
    const { bus, names, telemetry } = this.#parts;
    const parts: ServeCommandsParts = {
      bus,
      names,
      onArrival: (commands) => this.#traceCommands(commands),
      onDeclined: (commands) => {
        this.#metrics.countEffect("refused", commands);
      },
      onUnreadable: (error) => {
        telemetry.log.error({ err: error, partition }, "a batch of commands cannot be decoded");
      },
    };
    return serveCommands(parts, partition, offer);
  }
}

import { StorageClient } from "@jichat/log/storage-client.ts";
import { Courier } from "@jichat/router/courier.ts";
import { factsFrom } from "@jichat/router/facts-client.ts";
import { Owner } from "@jichat/router/owner.ts";
import type { OwnerWorld } from "@jichat/router/owner.ts";
import type { Log } from "@jichat/router/ports.ts";
import { PushQueue } from "@jichat/router/push-queue.ts";
import { serveCommands } from "@jichat/router/serve-commands.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { readSnapshot, snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import type { Guards } from "./guards.ts";
import type { LogModel } from "./log-model.ts";
import { LOG_BYTES_AT_ONCE } from "./log-model.ts";
import type { Network } from "./network.ts";
import type { PushModel } from "./push-model.ts";
import type { RedisModel } from "./redis-model.ts";
import { SCRIPT_COST_MAX } from "./redis-model.ts";
import type { StorageModel } from "./storage-model.ts";
import type { ClusterDice, Time } from "./world.ts";
import { Machine } from "./world.ts";

/** The parts of a cluster that a router uses, and the limits of this seed. */
interface RouterParts {
  readonly seed: number;
  readonly isHeavy: boolean;
  readonly isNarrow: boolean;
  readonly guards: Pick<Guards, "redo" | "sizes" | "parts" | "ownerId">;
  readonly time: Time;
  readonly dice: ClusterDice;
  readonly log: Pick<LogModel, "from">;
  readonly redis: Pick<RedisModel, "onRun" | "sessionsFor">;
  readonly storage: Pick<StorageModel, "watermark">;
  readonly network: Network;
  readonly push: Pick<PushModel, "take">;
  /** The cluster's level. */
  readonly level: number;
  /** The number of notices that were shed so far. */
  shed: number;
  /** The number of messages that the push queue was not told of, since effects lagged. */
  unpushed: number;
  /** The text of the snapshot that the next owner loads. */
  snapshot: string | undefined;
  nextId(): string;
  violate(invariant: string, what: string): void;
}

/** Two or three events wait one by one; more are folded. */
const NARROW_BYTES = 6_000;
/** Too small even for the names of three users. */
const NO_ROOM_BYTES = 1_000;
/** So few that conversations go cold all the time. */
const IDS_MAX = 150;

/** One router: the product's Owner, on a machine that stalls and dies. */
export class RouterModel {
  readonly machine: Machine;
  readonly owner: Owner;
  readonly name: string;
  readonly #sim: RouterParts;
  readonly #bus: Bus;

  constructor(sim: RouterParts, name: string) {
    this.#sim = sim;
    this.name = name;
    this.machine = new Machine(sim.time, sim.dice, sim.dice.between(-30_000, 30_000));
    this.#bus = sim.network.join(name, this.machine);
    this.owner = new Owner(this.#world());
    sim.redis.onRun(this.machine, () => {
      if (!this.machine.dead) this.owner.republish();
    });
  }

  /** Reigns, and saves a snapshot now and then. */
  start(): void {
    this.owner.start();
    this.#snapshotLater();
  }

  #snapshotLater(): void {
    this.#sim.time.after(this.#sim.dice.between(200, 6_000), () => {
      if (this.machine.dead || this.owner.state === "stopped") return;
      void this.owner.snapshot(false).then(() => {
        this.#snapshotLater();
      });
    });
  }

  /** Leaves as a router does that stops: in every second seed to a successor that is there. */
  async leave(): Promise<void> {
    if (this.#sim.seed % 2 === 0) return this.owner.stop();
    await this.owner.snapshot();
    return this.owner.handOver();
  }

  #log(): Log {
    const log = this.#sim.log.from(this.machine);
    if (this.#sim.guards.redo) return log;
    return {
      ...log,
      at: async (position) => {
        const batch = await log.at(position);
        return batch === undefined ? undefined : { ...batch, done: position };
      },
      async *range(from, to) {
        for await (const { position, batch } of log.range(from, to))
          yield { position, batch: { ...batch, done: position } };
      },
    };
  }

  /** The product's own, over a queue whose answer may get lost. */
  #push(): PushQueue {
    const { machine } = this;
    const sim = this.#sim;
    const sender = { time: sim.time, alive: () => machine.alive() };
    const publish = async (_: string, bytes: Uint8Array): Promise<void> => sim.push.take(sender, bytes);
    return new PushQueue({
      js: { publish },
      names: sim.network.names,
      clock: machine.clock,
      count: () => undefined,
      letGo: (refusal) => {
        sim.violate("push", String(refusal));
      },
    });
  }

  #world(): OwnerWorld {
    const sim = this.#sim;
    const { machine } = this;
    const { names } = sim.network;
    const side = { bus: this.#bus, names, clock: machine.clock };
    const courier = new Courier({ ...side, clusterLevel: () => sim.level });
    return {
      partition: 0,
      clock: machine.clock,
      log: this.#log(),
      facts: factsFrom(new StorageClient(side), 0, () => sim.storage.watermark),
      idsMax: IDS_MAX,
      // Every second one of these logs has a limit that its owner is not told.
      batchBytesMax: sim.guards.sizes && sim.isHeavy && sim.seed % 8 === 0 ? LOG_BYTES_AT_ONCE : undefined,
      sessions: sim.redis.sessionsFor(machine),
      backlogBytesMax: () => (sim.isNarrow ? (sim.seed % 12 === 0 ? NO_ROOM_BYTES : NARROW_BYTES) : Infinity),
      scriptCostMax: sim.guards.parts ? SCRIPT_COST_MAX : Infinity,
      deliverer: courier,
      push: this.#push(),
      count: (what, by) => {
        if (what === "shed") sim.shed += by;
        if (what === "unpushed") sim.unpushed += by;
      },
      isFull: () => false,
      loadSnapshot: async () => {
        await machine.alive();
        await machine.hop();
        return sim.snapshot === undefined ? undefined : readSnapshot(sim.snapshot);
      },
      saveSnapshot: async (snapshot) => {
        let text = "";
        for (const piece of snapshotPieces(snapshot)) {
          text += piece;
          if (sim.dice.chance(0.5)) await machine.hop();
          await machine.alive();
        }
        if (sim.dice.chance(0.7)) sim.snapshot = text;
      },
      serve: (offer) =>
        serveCommands(
          {
            ...side,
            onArrival: () => () => undefined,
            onDeclined: () => undefined,
            onUnreadable: (error) => {
              sim.violate("I1", `${this.name} cannot read a batch of commands: ${String(error)}`);
            },
          },
          0,
          offer,
        ),
      warn: () => undefined,
      newOwnerId: () => `${this.name}-${sim.nextId()}`,
      ...(sim.guards.ownerId
        ? {}
        : { ours: (found: { number: number }, mine: { number: number }) => found.number === mine.number }),
    };
  }
}

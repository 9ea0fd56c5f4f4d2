import type { LaneOptions } from "@jichat/edge/command-lane.ts";
import { CommandLane, isRetryableRefusal } from "@jichat/edge/command-lane.ts";
import { restMs } from "@jichat/edge/gathering.ts";
import { LossPositions } from "@jichat/edge/loss-positions.ts";
import { Syncs } from "@jichat/edge/sync.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";
import { Deliveries } from "@jichat/connector/delivery.ts";
import type { Reader } from "@jichat/connector/reader.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import { WHERE } from "@jichat/conversation/command.ts";
import { errorOf, isRefused } from "@jichat/protocol/bus/command.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import type { Guards } from "./guards.ts";
import type { KeeperParts } from "./keeper-model.ts";
import { KeeperModel } from "./keeper-model.ts";
import type { RedisModel } from "./redis-model.ts";
import type { SocketConnector, SocketDevice } from "./socket-model.ts";
import { Socket } from "./socket-model.ts";
import type { ModelPage, StorageModel } from "./storage-model.ts";
import type { ClusterDice, Time } from "./world.ts";
import { Machine } from "./world.ts";

/** The parts of a cluster that a connector uses, beside those of its keeper. */
interface ConnectorParts extends KeeperParts {
  readonly time: Time;
  readonly dice: ClusterDice;
  readonly guards: Guards;
  readonly redis: KeeperParts["redis"] & Pick<RedisModel, "nameFor" | "cacheFor" | "onRun" | "headPosition">;
  readonly storage: Pick<StorageModel, "list" | "heads" | "history">;
  nextId(): string;
  violate(invariant: string, what: string): void;
  /** Sends a request to whoever serves the partition. */
  request(from: Machine, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}

/** The offsets of the connectors' clocks. */
const SKEW_MS = [-600_000, 600_000] as const;
const TOO_FAST: Refused = { code: "RATE_LIMITED", message: "too many frames on this socket" };
const LOG_IDENTITY = "simulation-";

/** One connector: the product's lane, gate, deliveries and syncs, with sockets that are models. */
export class ConnectorModel implements SocketConnector {
  readonly machine: Machine;
  readonly name: string;
  readonly #sim: ConnectorParts;
  readonly #sockets = new Map<string, Map<string, Socket>>();
  readonly #lane: CommandLane;
  readonly #readingLane: CommandLane;
  readonly #wakeful: WakefulClock;
  readonly #syncs: Syncs;
  #deliveries: Deliveries;
  readonly #keeper: KeeperModel;
  readonly #unwatch: () => void;

  constructor(sim: ConnectorParts, name: string) {
    this.#sim = sim;
    this.name = name;
    this.machine = new Machine(sim.time, sim.dice, sim.dice.between(...SKEW_MS));
    const lane: LaneOptions = {
      from: name,
      clock: this.machine.clock,
      schedule: (act) => {
        sim.time.after(0, act);
      },
      restMs: (exchangeMs) => restMs(exchangeMs, Infinity),
      ask: (bytes, timeoutMs) => sim.request(this.machine, bytes, timeoutMs),
    };
    this.#lane = new CommandLane(lane);
    this.#readingLane = new CommandLane(lane);
    const position = async (): Promise<number> => {
      const answer = await this.#readingLane.submit(WHERE, { isOpen: () => true });
      if (isRefused(answer)) throw errorOf(answer);
      return this.#readingLane.position;
    };
    const losses = new LossPositions(1, () => sim.redis.nameFor(this.machine), position);
    this.#syncs = new Syncs({
      cache: sim.redis.cacheFor(this.machine),
      source: {
        list: async (query) => {
          await this.machine.hop();
          return sim.storage.list(query.position, query.user, query.after);
        },
        heads: async (query) => {
          await this.machine.hop();
          return sim.storage.heads(query.position, query.user, query.conversations);
        },
      },
      clock: this.machine.clock,
      partitions: 1,
      afterLoss: async () => (sim.guards.afterLoss ? losses.read() : [0]),
      log: { identity: () => LOG_IDENTITY, position },
    });
    this.#deliveries = new Deliveries(this);
    this.#keeper = new KeeperModel(sim, name, this.machine, () => this.#placed);
    this.#unwatch = sim.redis.onRun(this.machine, () => void this.#keeper.registerAll());
    this.#wakeful = new WakefulClock(this.machine.clock);
    void this.#wakeful.run(new AbortController().signal);
    void this.#keeper.run();
  }

  of(user: string): Iterable<Reader> {
    return this.#sockets.get(user)?.values() ?? [];
  }

  get #placed(): Socket[] {
    return [...this.#sockets.values()].flatMap((devices) => [...devices.values()]);
  }

  violate(what: string): void {
    this.#sim.violate("I9", what);
  }

  kill(): void {
    this.machine.dead = true;
    this.#unwatch();
    for (const socket of this.#placed) socket.close();
  }

  remove(socket: Socket): void {
    const devices = this.#sockets.get(socket.device.user);
    if (devices?.get(socket.device.name) === socket) devices.delete(socket.device.name);
  }

  /**
   * A socket is placed, then registered, then welcomed (docs/design.md, "Sync without a hole"). Some devices
   * send their first sync right after the hello, and some wait for the welcome.
   */
  async open(device: SocketDevice): Promise<Socket> {
    const { guards } = this.#sim;
    const socket = new Socket(device, this, this.#sim.nextId(), guards);
    const devices = this.#sockets.get(device.user) ?? new Map<string, Socket>();
    this.#sockets.set(device.user, devices);
    devices.get(device.name)?.close();
    devices.set(device.name, socket);
    if (guards.registerFirst) {
      const list = await this.#keeper.register(socket, true);
      if (this.machine.dice.chance(0.5)) socket.list = list;
    } else this.machine.time.after(400, () => void this.#keeper.register(socket));
    if (socket.isOpen) socket.isLive = true;
    return socket;
  }

  close(device: Pick<SocketDevice, "user" | "name">, session: string): void {
    const held = this.#sockets.get(device.user)?.get(device.name);
    if (held?.id === session) held.displaced();
  }

  async start(): Promise<void> {
    await this.#keeper.registerAll();
  }

  /** Takes a delivery of an owner. Without the guard, every delivery is written as it comes. */
  receive(delivery: Delivery): void {
    const { deliveryOrder, noticeOrder, notices } = this.#sim.guards;
    if (!deliveryOrder) this.#deliveries = new Deliveries(this);
    const told = notices ? delivery.notices : [];
    this.#deliveries.deliver({
      ...delivery,
      notices: noticeOrder ? told : told.map((one) => this.#asLatest(one)),
    });
  }

  /** The notice with an order above all earlier ones. */
  #asLatest(notice: Notice): Notice {
    return { ...notice, order: Number.parseInt(this.#sim.nextId(), 16) };
  }

  /** Like `ingress.ts`: a frame over the rate is refused before anything else looks at it. */
  async submit(socket: Socket, command: Command): Promise<Exclude<Answer, "later">> {
    const waitMs = socket.intake.admit(1);
    const tooFast = waitMs > 0 ? { ...TOO_FAST, retryAfterMs: waitMs } : undefined;
    if (command.op !== "send") {
      const lane = command.op === "look" ? this.#readingLane : this.#lane;
      return tooFast ?? lane.submit(command, { isOpen: () => socket.isOpen });
    }
    const { conversation, id } = command;
    const { gate } = socket;
    const place = gate.place(conversation, id);
    const refused = (refusal: Refused): void => {
      gate.refused(conversation, id, { place, refusal, now: this.#wakeful.now() });
      if (gate.isFull) socket.close();
    };
    if (tooFast !== undefined) {
      refused(tooFast);
      return tooFast;
    }
    const shared = gate.admit(conversation, id, place, this.#wakeful.now());
    if (shared !== undefined) return shared;
    const answer = await this.#lane.submit(command, {
      isOpen: () => socket.isOpen,
      refused: (_, refusal) => {
        refused(refusal);
      },
    });
    if (!isRetryableRefusal(answer)) gate.settled(conversation, id, this.#wakeful.now());
    return answer;
  }

  async sync(user: string, since: string | undefined, list?: ReadList): Promise<SyncReply> {
    await this.machine.alive();
    return this.#syncs.page(user, { since, limit: 1_000 }, list);
  }

  async pull(socket: Socket, conversation: string, after: number): Promise<ModelPage> {
    const { user, name } = socket.device;
    await this.machine.alive();
    let head: number | undefined;
    try {
      head = await this.#sim.redis.headPosition(this.machine, conversation);
    } catch {
      head = undefined;
    }
    if (head === undefined) {
      const answer = await this.#readingLane.submit(
        { op: "look", conversation, user, device: name, session: socket.id },
        { isOpen: () => true },
      );
      if (isRefused(answer) && isRetryable(answer.code)) throw errorOf(answer);
    }
    await this.machine.hop();
    const seen = Math.max(head ?? 0, this.#lane.position, this.#readingLane.position);
    return this.#sim.storage.history(seen, { user, conversation, after, limit: 50 });
  }
}

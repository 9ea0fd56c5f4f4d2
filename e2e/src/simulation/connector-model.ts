import { inspect } from "node:util";
import { isRetryableRefusal } from "@jichat/edge/command-lane.ts";
import { HistoryClient } from "@jichat/edge/history-client.ts";
import { Lanes } from "@jichat/edge/lanes.ts";
import { LossPositions } from "@jichat/edge/loss-positions.ts";
import { Syncs } from "@jichat/edge/sync.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";
import type { DeliveryResult } from "@jichat/connector/delivery.ts";
import { Deliveries } from "@jichat/connector/delivery.ts";
import type { Reader } from "@jichat/connector/reader.ts";
import { replace } from "@jichat/connector/registration.ts";
import { serveDeliveries } from "@jichat/connector/serve-deliveries.ts";
import { serveReplacements } from "@jichat/connector/serve-replacements.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import { StorageClient } from "@jichat/log/storage-client.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import type { Guards } from "./guards.ts";
import type { KeeperParts } from "./keeper-model.ts";
import { KeeperModel } from "./keeper-model.ts";
import type { Network } from "./network.ts";
import type { RedisModel } from "./redis-model.ts";
import type { PageOfEvents, SocketConnector, SocketDevice } from "./socket-model.ts";
import { Socket } from "./socket-model.ts";
import type { ClusterDice, Time } from "./world.ts";
import { Machine } from "./world.ts";

/** The parts of a cluster that a connector uses, beside those of its keeper. */
interface ConnectorParts extends KeeperParts {
  readonly time: Time;
  readonly dice: ClusterDice;
  readonly guards: Guards;
  readonly redis: KeeperParts["redis"] & Pick<RedisModel, "nameFor" | "cacheFor" | "onRun" | "headPosition">;
  readonly network: Network;
  nextId(): string;
  violate(invariant: string, what: string): void;
}

/** The offsets of the connectors' clocks. */
const SKEW_MS = [-600_000, 600_000] as const;
const TOO_FAST: Refused = { code: "RATE_LIMITED", message: "too many frames on this socket" };
const LOG_IDENTITY = "simulation-";

/** One connector: the product's lanes, gate, deliveries, syncs and pages, with sockets that are models. */
export class ConnectorModel implements SocketConnector {
  readonly machine: Machine;
  readonly name: string;
  readonly #sim: ConnectorParts;
  readonly #sockets = new Map<string, Map<string, Socket>>();
  readonly #bus: Bus;
  readonly #lanes: Lanes;
  readonly #past: HistoryClient;
  readonly #wakeful: WakefulClock;
  readonly #syncs: Syncs;
  #deliveries: Deliveries;
  readonly #keeper: KeeperModel;
  readonly #unwatch: () => void;

  constructor(sim: ConnectorParts, name: string) {
    this.#sim = sim;
    this.name = name;
    this.machine = new Machine(sim.time, sim.dice, sim.dice.between(...SKEW_MS));
    const { clock } = this.machine;
    const { names } = sim.network;
    this.#bus = sim.network.join(name, this.machine);
    const side = { bus: this.#bus, names, clock };
    this.#lanes = new Lanes({ ...side, from: name, partitions: 1, onRetry: () => undefined });
    const storage = new StorageClient(side);
    const position = async (): Promise<number> => this.#lanes.position(0);
    const losses = new LossPositions(1, () => sim.redis.nameFor(this.machine), position);
    this.#past = new HistoryClient(storage, this.#heads(), this.#lanes);
    this.#syncs = new Syncs({
      cache: sim.redis.cacheFor(this.machine),
      source: {
        list: async (query) => storage.ask(query),
        heads: async (query) => storage.ask(query),
      },
      clock,
      partitions: 1,
      afterLoss: async () => (sim.guards.afterLoss ? losses.read() : [0]),
      log: { identity: () => LOG_IDENTITY, position },
    });
    this.#deliveries = new Deliveries(this, this.machine.clock);
    this.#keeper = new KeeperModel(sim, name, this.machine, {
      placed: () => this.#placed,
      replaced: ({ user, name: device }, birth, displaced) => {
        replace({ ...this.#replacing, bus: this.#bus, names }, { user, device, birth }, displaced);
      },
    });
    this.#serve();
    this.#unwatch = sim.redis.onRun(this.machine, () => void this.#keeper.registerAll());
    this.#wakeful = new WakefulClock(clock);
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
    this.machine.kill();
    this.#unwatch();
    for (const socket of this.#placed) socket.close();
  }

  /** The head's position, by which a page is read. */
  #heads(): ConstructorParameters<typeof HistoryClient>[1] {
    return {
      ready: true,
      briefs: async (conversations) =>
        Promise.all(
          conversations.map(async (conversation) => {
            const position = await this.#sim.redis.headPosition(this.machine, conversation);
            return position === undefined ? undefined : { conversation, position, ts: 0 };
          }),
        ),
    };
  }

  get #replacing() {
    const keeper = this.#keeper;
    return {
      config: { instance: this.name },
      hub: {
        find: (user: string, device: string) => {
          const socket = this.#sockets.get(user)?.get(device);
          return (
            socket && {
              id: socket.id,
              bornAt: socket.birth,
              close: () => {
                socket.displaced();
              },
              get registered(): boolean {
                return !keeper.isUnregistered(socket);
              },
              set registered(_: boolean) {
                keeper.registerLater(socket);
              },
            }
          );
        },
      },
    };
  }

  #serve(): void {
    const log = {
      error: (of: object, line: string): void => {
        this.#sim.violate("I1", `${this.name}: ${line}: ${inspect(of)}`);
      },
    };
    const parts = { ...this.#replacing, bus: this.#bus, names: this.#sim.network.names };
    serveReplacements({ ...parts, telemetry: { log } });
    serveDeliveries({
      ...parts,
      metrics: { delivered: () => undefined, noticesDropped: () => undefined },
      telemetry: { child: () => undefined, log },
      deliveries: { deliver: (delivery) => this.#receive(delivery) },
    });
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

  async start(): Promise<void> {
    await this.#keeper.registerAll();
  }

  /** Takes a delivery of an owner. Without the guard, every delivery is written as it comes. */
  #receive(delivery: Delivery): DeliveryResult {
    const { deliveryOrder, noticeOrder, notices } = this.#sim.guards;
    if (!deliveryOrder) this.#deliveries = new Deliveries(this, this.machine.clock);
    const told = notices ? delivery.notices : [];
    return this.#deliveries.deliver({
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
    if (command.op !== "send") return tooFast ?? this.#lanes.submit(command, { isOpen: () => socket.isOpen });
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
    const answer = await this.#lanes.submit(command, {
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

  async pull(socket: Socket, conversation: string, after: number): Promise<PageOfEvents> {
    const { user, name: device } = socket.device;
    await this.machine.alive();
    const page = await this.#past.page(
      { user, device, session: socket.id },
      { conversation, after, limit: 50 },
    );
    return { ...page, events: parsedBodies(page.events) as ChatEvent[] };
  }
}

import type { ReadList, SessionEntry } from "@jichat/presence/presence-texts.ts";
import type { Guards } from "./guards.ts";
import type { RedisModel } from "./redis-model.ts";
import type { Socket, SocketDevice } from "./socket-model.ts";
import type { Machine } from "./world.ts";

const RENEW_MS = 1_200;

/** The Redis that a keeper writes to, and the connectors that are told of a displaced session. */
export interface KeeperParts {
  readonly guards: Pick<Guards, "births" | "registerRest">;
  readonly redis: Pick<RedisModel, "register" | "renew" | "announce">;
}

/** The connector whose sessions are kept. */
interface KeptConnector {
  placed(): readonly Socket[];
  /** Tells the connector of a displaced session to close it. */
  replaced(device: Pick<SocketDevice, "user" | "name">, birth: number, displaced: SessionEntry): void;
}

/**
 * Records in Redis who is on a connector, and that the connector is alive (`handshake.ts`,
 * `presence-keeper.ts`).
 */
export class KeeperModel {
  readonly #sim: KeeperParts;
  readonly #name: string;
  readonly #machine: Machine;
  readonly #connector: KeptConnector;
  readonly #unregistered = new Set<Socket>();

  constructor(sim: KeeperParts, name: string, machine: Machine, connector: KeptConnector) {
    this.#sim = sim;
    this.#name = name;
    this.#machine = machine;
    this.#connector = connector;
  }

  async register(socket: Socket, isHello = false): Promise<ReadList | undefined> {
    const { redis } = this.#sim;
    if (!socket.isOpen) return undefined;
    try {
      const { user, name } = socket.device;
      const { clock } = this.#machine;
      const { birth, displaced, list } = await redis.register(this.#machine, user, name, {
        connector: this.#name,
        session: socket.id,
        birth: this.#sim.guards.births ? socket.birth : (socket.birth ?? clock.now()),
        ageMs: () => (isHello ? undefined : clock.monotonic() - socket.helloAt),
      });
      socket.birth = birth;
      if (displaced === "younger") socket.displaced();
      else if (displaced !== undefined && displaced.session !== socket.id)
        this.#connector.replaced(socket.device, birth, displaced);
      return list;
    } catch {
      this.#unregistered.add(socket); // Redis is away.
      return undefined;
    }
  }

  isUnregistered(socket: Socket): boolean {
    return this.#unregistered.has(socket);
  }

  registerLater(socket: Socket): void {
    this.#unregistered.add(socket);
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#machine.clock.sleep(RENEW_MS);
      try {
        if (!(await this.#sim.redis.renew(this.#machine, this.#name))) await this.registerAll();
        else if (this.#sim.guards.registerRest) await this.#registerRest();
      } catch {
        // Redis is away.
      }
    }
  }

  async registerAll(): Promise<void> {
    try {
      await this.#machine.alive();
      await this.#sim.redis.announce(this.#machine, this.#name);
      for (const socket of this.#connector.placed()) await this.register(socket);
      for (const socket of this.#connector.placed()) this.#gap(socket);
    } catch {
      this.#machine.time.after(200, () => void this.registerAll());
    }
  }

  async #registerRest(): Promise<void> {
    const rest = [...this.#unregistered].filter(({ isOpen }) => isOpen);
    this.#unregistered.clear();
    for (const socket of rest) {
      await this.register(socket);
      this.#gap(socket);
    }
  }

  #gap(socket: Socket): void {
    if (socket.isLive) socket.writeEncoded(JSON.stringify({ t: "gap" }));
    else socket.missed = true;
  }
}

import { Intake } from "@jichat/connector/intake.ts";
import type { Reader } from "@jichat/connector/reader.ts";
import type { HistoryReply } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { ChatEvent, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { Gate } from "./gate-model.ts";
import { gateFor } from "./gate-model.ts";
import type { Guards } from "./guards.ts";
import type { Machine } from "./world.ts";

/** So low that an application that repeats everything exceeds them. */
const LIMITS = { framesPerSecond: 20, bytesPerSecond: 1_000_000, heldBytesMax: 1_000_000 };
/**
 * The range of the one-way delay between a device and its connector. A socket keeps its own delay, and its
 * order.
 */
const WIRE_MS = [0.5, 60] as const;

/** The device at one end of a socket. */
export interface SocketDevice {
  readonly user: string;
  readonly name: string;
  /** A number that rises with each hello. */
  nextHello(): number;
  isLatest(socket: Pick<Socket, "hello">): boolean;
  hear(socket: Socket, frame: ServerFrame): void;
  closed(socket: Socket): void;
}

/** A page as a device sees it, with bodies that are maps. */
export interface PageOfEvents extends Omit<HistoryReply, "events"> {
  readonly events: readonly ChatEvent[];
}

/** The connector at the other end. */
export interface SocketConnector {
  readonly machine: Machine;
  submit(socket: Socket, command: Command): Promise<Exclude<Answer, "later">>;
  sync(user: string, since: string | undefined, list?: ReadList): Promise<SyncReply>;
  pull(socket: Socket, conversation: string, after: number): Promise<PageOfEvents>;
  remove(socket: Socket): void;
  violate(what: string): void;
}

/** A socket between a device and a connector. Frames arrive in order, and a loss ends everything at once. */
export class Socket implements Reader {
  readonly device: SocketDevice;
  readonly connector: SocketConnector;
  readonly id: string;
  /** The birth stamp of its registration. */
  birth: number | undefined;
  readonly hello: number;
  readonly helloAt: number;
  readonly wireMs: number;
  readonly gate: Gate;
  readonly intake: Pick<Intake, "admit">;
  readonly echo = true;
  readonly codecName = "json" as const;
  missed = false;
  /** The list that its registration read. */
  list: ReadList | undefined;
  isOpen = true;
  isLive = false;
  #heard: Promise<void> = Promise.resolve();
  readonly #lost = Promise.withResolvers<never>();

  constructor(device: SocketDevice, connector: SocketConnector, id: string, guards: Guards) {
    const { clock, dice } = connector.machine;
    this.wireMs = dice.between(...WIRE_MS);
    this.device = device;
    this.connector = connector;
    this.id = id;
    this.hello = device.nextHello();
    this.helloAt = clock.monotonic();
    this.#lost.promise.catch(() => undefined); // Nobody may be waiting when the socket is lost.
    this.gate = gateFor(guards);
    this.intake = new Intake(LIMITS, { monotonic: () => clock.monotonic(), ordinal: 0 }, id);
  }

  /** Returns the list for a first sync that came right after the hello. Later syncs read anew. */
  takeList(): ReadList | undefined {
    const list = this.list;
    this.list = undefined;
    return list;
  }

  /** Resolves with the reply, or rejects when the connection ends first. */
  async reply<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost.promise]);
  }

  writeEncoded(text: string | Uint8Array): void {
    const { time } = this.connector.machine;
    time.after(this.wireMs, () => {
      if (this.isOpen) this.device.hear(this, JSON.parse(String(text)) as ServerFrame);
    });
  }

  /** Half-open connections are not modelled: a loss ends both sides. */
  delivered(): void {
    return undefined;
  }

  writeNotice(text: string | Uint8Array): boolean {
    this.writeEncoded(text);
    return true;
  }

  /** Processes an arriving frame after its delay, when the connector can run, and in order. */
  arrives(act: () => void): void {
    const { machine } = this.connector;
    const way = machine.time.sleep(this.wireMs);
    this.#heard = this.#heard.then(async () => {
      await way;
      await machine.alive();
      act();
    });
  }

  /** The device has left. Its earlier frames still arrive, and only then the end of the socket. */
  left(): void {
    this.arrives(() => {
      this.close();
    });
  }

  /** The connector is told that the device has connected elsewhere. */
  displaced(): void {
    const { device, connector } = this;
    if (this.isOpen && device.isLatest(this))
      connector.violate(`${device.user}/${device.name} came last and had to go`);
    this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.isLive = false;
    this.#lost.reject(new ChatError("UNAVAILABLE", "the connection was lost"));
    this.connector.remove(this);
    this.device.closed(this);
  }
}

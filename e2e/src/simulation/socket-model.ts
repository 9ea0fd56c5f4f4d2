import { Intake } from "@jichat/connector/intake.ts";
import type { Reader } from "@jichat/connector/reader.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import type { ConnectorModel } from "./connector-model.ts";
import type { Device } from "./device-model.ts";
import type { Gate } from "./gate-model.ts";
import { gateFor } from "./gate-model.ts";
import type { Guards } from "./guards.ts";

/** So few that an application that says everything again is told so. */
const LIMITS = { framesPerSecond: 20, bytesPerSecond: 1_000_000, heldBytesMax: 1_000_000 };
/**
 * One way between a device and its connector: near ones and far ones; a socket keeps its own, and its order.
 */
const WIRE_MS = [0.5, 60] as const;

/** A socket between a device and a connector: in order, and gone all at once. */
export class Socket implements Reader {
  readonly device: Device;
  readonly connector: ConnectorModel;
  readonly id: string;
  /** As it was registered. */
  birth: number | undefined;
  readonly hello: number;
  readonly helloAt: number;
  readonly wireMs: number;
  readonly gate: Gate;
  readonly intake: Pick<Intake, "admit">;
  readonly echo = true;
  readonly codecName = "json" as const;
  missed = false;
  /** As of its registration. */
  list: ReadList | undefined;
  isOpen = true;
  isLive = false;
  #heard: Promise<void> = Promise.resolve();
  readonly #lost = Promise.withResolvers<never>();

  constructor(device: Device, connector: ConnectorModel, id: string, guards: Guards) {
    const { clock, dice } = connector.machine;
    this.wireMs = dice.between(...WIRE_MS);
    this.device = device;
    this.connector = connector;
    this.id = id;
    this.hello = device.nextHello();
    this.helloAt = clock.monotonic();
    this.#lost.promise.catch(() => undefined); // Nobody may be waiting when it is lost.
    this.gate = gateFor(guards);
    this.intake = new Intake(LIMITS, { monotonic: () => clock.monotonic(), ordinal: 0 }, id);
  }

  /** For its first sync, if that came right behind the hello; later ones read anew. */
  takeList(): ReadList | undefined {
    const list = this.list;
    this.list = undefined;
    return list;
  }

  /** A reply, or the end of the connection, whichever is first. */
  async reply<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost.promise]);
  }

  writeEncoded(text: string | Uint8Array): void {
    const { time } = this.connector.machine;
    time.after(this.wireMs, () => {
      if (this.isOpen) this.device.hear(this, JSON.parse(String(text)) as Parameters<Device["hear"]>[1]);
    });
  }

  writeNotice(text: string | Uint8Array): boolean {
    this.writeEncoded(text);
    return true;
  }

  /** A frame arrives: when its way is over, when its connector can look at it, and in order. */
  arrives(act: () => void): void {
    const { machine } = this.connector;
    const way = machine.time.sleep(this.wireMs);
    this.#heard = this.#heard.then(async () => {
      await way;
      await machine.alive();
      act();
    });
  }

  /** Its device has gone: what it said before still arrives, and only then its end. */
  left(): void {
    this.arrives(() => {
      this.close();
    });
  }

  /** Its device connected again elsewhere, or so its connector is told. */
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

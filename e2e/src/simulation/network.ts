import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { LocalBus } from "@jichat/runtime/local-bus.ts";
import type { Machine } from "./world.ts";

/** The limit of a nats-server as it is installed. */
const MESSAGE_BYTES_MAX = 1_048_576;
const LOST = 0.01;
const LATE = 0.02;
const LATE_MS = [100, 4_000] as const;
const AGAIN = 0.02;
const AGAIN_MS = [1, 4_000] as const;
/** The chance that a host is lost and not only its process: then nobody learns that its connections ended. */
const HOST_LOST = 0.3;

/** The bus of a simulated cluster, where messages may be slow, late, lost or repeated. */
export class Network {
  readonly names = namesOf("simulation");
  readonly #machines = new Map<string, Machine>();
  readonly #bus = new LocalBus({
    bytesMax: MESSAGE_BYTES_MAX,
    transit: {
      toBus: (sender, arrive) => void this.#toBus(this.#machine(sender), arrive),
      toMember: (receiver, arrive) => {
        this.#toMember(this.#machine(receiver), arrive);
      },
    },
  });

  /** This machine's side of the bus. `name` is the only one of its kind. */
  join(name: string, machine: Machine): Bus {
    this.#machines.set(name, machine);
    const side = this.#bus.join(name, machine.clock);
    return {
      ...side,
      subscribe: (subject, receive) => {
        let subscription = side.subscribe(subject, receive);
        let isOver = false;
        machine.onDeath(() => {
          if (!machine.dice.chance(HOST_LOST)) subscription.stop();
        });
        machine.onCut({
          lost: () => {
            subscription.stop();
          },
          back: () => {
            if (!isOver) subscription = side.subscribe(subject, receive);
          },
        });
        const over = (end: "drain" | "stop") => (): void => {
          isOver = true;
          subscription[end]();
        };
        return { drain: over("drain"), stop: over("stop") };
      },
    };
  }

  #machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name} has joined`);
    return machine;
  }

  async #toBus(machine: Machine, arrive: () => void): Promise<void> {
    await machine.alive();
    await machine.hop();
    arrive();
  }

  #toMember(machine: Machine, arrive: () => void): void {
    const { dice, time } = machine;
    const come = (): void => void machine.alive().then(arrive);
    if (dice.mishap(LATE)) time.after(dice.between(...LATE_MS), come);
    else if (!dice.mishap(LOST)) come();
    if (dice.mishap(AGAIN)) time.after(dice.between(...AGAIN_MS), come);
  }
}

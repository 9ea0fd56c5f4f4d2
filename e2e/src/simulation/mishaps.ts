import type { Owner } from "@jichat/router/owner.ts";
import type { Device } from "./device-model.ts";
import type { FaultKind, LeaseMove } from "./faults.ts";
import type { RedisModel } from "./redis-model.ts";
import type { StorageModel } from "./storage-model.ts";
import type { ClusterDice, Machine, Time } from "./world.ts";

/** A router that can lose its lease, its machine, or both. */
interface Reigning {
  readonly machine: Pick<Machine, "cut" | "kill" | "stall">;
  readonly owner: Pick<Owner, "drop">;
  leave(): Promise<void>;
}

/** The parts of a cluster that can fail. */
interface MishapParts {
  readonly time: Pick<Time, "after">;
  readonly dice: ClusterDice;
  readonly redis: Pick<RedisModel, "lose" | "pause" | "flush">;
  readonly storage: Pick<StorageModel, "crash" | "lag">;
  anyConnector(): { kill(): void; readonly machine: Pick<Machine, "stall"> } | undefined;
}

/** The targets of mishaps, and those that replace them. */
interface Cast {
  owner(): Reigning | undefined;
  devices(): readonly Pick<Device, "vanish" | "move" | "drop" | "repeat">[];
  startRouter(): void;
  startConnector(): void;
}

/** The mishaps of a simulation. */
export class Mishaps {
  readonly #sim: MishapParts;
  readonly #cast: Cast;
  #isOut = false;

  constructor(sim: MishapParts, cast: Cast) {
    this.#sim = sim;
    this.#cast = cast;
  }

  /** Ends a running outage, after which another caller starts a router. */
  end(): void {
    this.#isOut = false;
  }

  /** Causes one mishap of this kind now. */
  befall(kind: FaultKind): void {
    const { dice, time, storage } = this.#sim;
    switch (kind) {
      case "connector":
        this.#sim.anyConnector()?.kill();
        return this.#cast.startConnector();
      case "redis":
        return this.#loseRedis();
      case "pause":
        return this.#sim.redis.pause(dice.between(300, 6_000));
      case "flush":
        return this.#sim.redis.flush();
      case "storage":
        return storage.crash(dice.between(100, 3_000));
      case "lag":
        return storage.lag(dice.between(300, 3_000));
      case "vanish":
        for (const device of this.#cast.devices())
          if (dice.chance(0.4))
            time.after(dice.between(0, 300), () => {
              device.vanish();
            });
        return undefined;
      case "outage":
        return this.#outage(dice.between(2_000, 14_000));
      case "stuck":
        return this.#sim.anyConnector()?.machine.stall(dice.between(300, 6_000));
      case "haste":
        return this.#hurry(dice.between(200, 12_000));
      case "move":
        for (const device of this.#cast.devices())
          if (dice.chance(0.6)) time.after(dice.between(0, 3_000), () => void device.move());
        return undefined;
      case "drop":
        for (const device of this.#cast.devices())
          if (dice.chance(0.4))
            time.after(dice.between(0, 300), () => {
              device.drop();
            });
        return undefined;
      default:
        return this.#moveLease(kind);
    }
  }

  /**
   * Simulates applications that do not wait for their acks: for `ms`, they repeat every write that has none.
   */
  #hurry(ms: number): void {
    const { dice, time } = this.#sim;
    for (const device of this.#cast.devices()) {
      if (dice.chance(0.5)) continue;
      const everyMs = dice.between(20, 1_000);
      for (let at = 0; at < ms; at += everyMs)
        time.after(at, () => {
          if (!dice.calm) device.repeat();
        });
    }
  }

  /** Nobody serves for a while: sometimes for longer than a client waits. */
  #outage(ms: number): void {
    const old = this.#cast.owner();
    if (old === undefined) return;
    old.machine.kill();
    this.#isOut = true;
    this.#sim.time.after(ms, () => {
      if (!this.#isOut) return;
      this.#isOut = false;
      this.#cast.startRouter();
    });
  }

  /** A lost Redis is often lost again, just when others have begun to rebuild its data. */
  #loseRedis(): void {
    const awayMs = this.#sim.dice.between(50, 1_500);
    this.#sim.redis.lose(awayMs);
    if (this.#sim.dice.chance(0.4))
      this.#sim.time.after(awayMs + this.#sim.dice.between(0, 150), () => {
        if (!this.#sim.dice.calm) this.#loseRedis();
      });
  }

  /** The lease moves to another router for any reason. The old router learns of it soon, late, or never. */
  #moveLease(how: LeaseMove): void {
    const { dice, time } = this.#sim;
    const old = this.#cast.owner();
    if (old === undefined || this.#isOut) return;
    if (how === "clean") {
      void old.leave();
      time.after(dice.between(0, 30), () => {
        this.#cast.startRouter();
      });
      return;
    }
    if (how === "cut") return this.#robEarly(old);
    if (how === "crash") old.machine.kill();
    if (how === "stall") old.machine.stall(dice.between(500, 4_000));
    time.after(dice.between(0, 800), () => {
      this.#cast.startRouter();
      time.after(dice.between(0, how === "stall" ? 4_500 : 1_200), () => {
        old.owner.drop();
      });
    });
  }

  /**
   * A router loses its connection, and is taken for dead though it lives. It comes back before or after a
   * successor reigns, with what it had under way, and reigns against it until it hears that its lease is
   * gone.
   */
  #robEarly(old: Reigning): void {
    const { dice, time } = this.#sim;
    const awayMs = dice.between(100, 3_000);
    old.machine.cut(awayMs);
    time.after(dice.between(50, 900), () => {
      this.#cast.startRouter();
      time.after(awayMs + dice.between(0, 800), () => {
        old.owner.drop();
      });
    });
  }
}

import type { Clock } from "@jichat/protocol/clock.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import type { Roll } from "./next-server.ts";
import { nextServer } from "./next-server.ts";
import { readServers } from "./read-servers.ts";
import type { ServerWatch } from "./server-watch.ts";

interface RollsOptions {
  readonly watch: Pick<ServerWatch, "look" | "forget">;
  readonly clock: Pick<Clock, "monotonic">;
}

interface Open {
  readonly progress: string;
  readonly since: number;
}

/** The rolls of managed nats-servers, of all ChatClusters. An operator that starts knows of none. */
export class Rolls {
  readonly #options: RollsOptions;
  readonly #open = new Map<string, Open>();

  constructor(options: RollsOptions) {
    this.#options = options;
  }

  /**
   * The next step. Undefined where there is nothing to roll here. NATS is asked only while a roll goes on and
   * all servers are ready. `fault` is what is wrong with the log.
   */
  next(key: string, input: DesiredInput, observed: Observed, fault?: string): Roll | undefined {
    const servers = readServers(observed);
    if (servers === undefined || input.cluster.spec.hibernate) {
      this.#open.delete(key);
      return undefined;
    }
    const open = this.#at(key, servers.progress);
    const heldMs = open === undefined ? undefined : this.#options.clock.monotonic() - open.since;
    const known = { told: undefined, fault, heldMs };
    const first = nextServer(servers, known);
    const isAsked = first.does === "waits" && first.asks;
    const told = isAsked ? this.#options.watch.look(key, input, servers.epoch) : undefined;
    const roll = told === undefined ? first : nextServer(servers, { ...known, told });
    if (roll.does === "nothing") this.#open.delete(key);
    // What was waited for before a server restarts is no time in which it was away.
    else if (open === undefined || roll.does === "restarts") this.#goesOn(key, servers.progress);
    return roll;
  }

  /** Forgets a ChatCluster. Resolves when NATS is not asked any more. */
  async forget(key: string): Promise<void> {
    this.#open.delete(key);
    await this.#options.watch.forget(key);
  }

  /** Where an open roll is. A server that was replaced since the pass before is progress. */
  #at(key: string, progress: string): Open | undefined {
    const open = this.#open.get(key);
    return open === undefined || open.progress === progress ? open : this.#goesOn(key, progress);
  }

  #goesOn(key: string, progress: string): Open {
    const open = { progress, since: this.#options.clock.monotonic() };
    this.#open.set(key, open);
    return open;
  }
}

import type { ShedOrder, ShedReport } from "@jichat/protocol/drain.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Drain } from "./drain.ts";
import { placesIn } from "./drain-pace.ts";
import type { Hub } from "./hub.ts";
import { Mover } from "./mover.ts";
import type { MoverParts } from "./mover.ts";
import type { Others } from "./others.ts";

/** A device that was told to go has this long. There is no deadline that hurries it. */
const GRACE_MS = 10_000;
/**
 * A shed may take three times as long as its rate needs, and this long beside. The rest of it is given up.
 */
const BESIDE_MS = 60_000;
const TIMES = 3;

interface ShedParts extends MoverParts {
  readonly hub: Pick<Hub, "size" | "sockets">;
  readonly others: Pick<Others, "takers">;
  readonly drain: Pick<Drain, "state">;
  readonly telemetry: Pick<Telemetry, "log">;
}

/**
 * Sends some devices to other connectors, and stays in service: others have room, and this one has too many.
 */
export class Shed {
  readonly #parts: ShedParts;
  #mover: Mover;
  #left = 0;
  #run = 0;

  constructor(parts: ShedParts) {
    this.#parts = parts;
    this.#mover = new Mover(parts);
  }

  report(): ShedReport {
    const { told, forced } = this.#mover;
    return { left: this.#left, told, forced, connections: this.#parts.hub.size };
  }

  /** Replaces a shed that runs. Throws CONFLICT during a drain, which sends everybody away. */
  order({ connections, perSecond }: ShedOrder): void {
    const { drain, hub, telemetry, time } = this.#parts;
    if (drain.state !== "none")
      throw new ChatError("CONFLICT", "this connector drains: all of its devices leave anyway");
    this.#run += 1;
    this.#mover.cancel();
    this.#mover = new Mover(this.#parts);
    this.#left = Math.min(connections, hub.size);
    telemetry.log.info({ sockets: hub.size, connections, perSecond }, "connector sheds devices");
    const mostMs = BESIDE_MS + (TIMES * 1_000 * this.#left) / perSecond;
    void this.#loop(this.#run, perSecond, time.monotonic() + mostMs);
  }

  async #loop(run: number, perSecond: number, endsAt: number): Promise<void> {
    const { drain, others, time } = this.#parts;
    const mover = this.#mover;
    while (this.#run === run && (this.#left > 0 || mover.leaving > 0)) {
      if (drain.state !== "none" || time.monotonic() > endsAt) this.#left = 0;
      const takers = others.takers();
      this.#left -= mover.step({
        reason: "moving",
        perSecond,
        graceMs: GRACE_MS,
        evenLeftMs: 0,
        most: this.#left,
        places: takers === undefined ? 0 : placesIn(takers),
      });
      this.#left = Math.min(this.#left, this.#parts.hub.size);
      await mover.untilNext();
    }
  }
}

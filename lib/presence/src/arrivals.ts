import { systemClock } from "@jichat/protocol/clock.ts";
import type { ListsTexts, ToldList } from "./lists.ts";
import { HEADS_PER_SCRIPT_MAX, LISTS_PER_SCRIPT_MAX, Lists, SCRIPTS_IN_FLIGHT_MAX } from "./lists.ts";
import type { RunScript } from "./named-script.ts";
import { ARRIVE_SCRIPT } from "./arrive-script.ts";
import type { SessionEntry } from "./presence-texts.ts";
import { readSession } from "./presence-texts.ts";
import { RedisTime } from "./redis-time.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";

/** Devices that a user may have at once, unless another number is told. */
export const DEVICES_PER_USER_MAX = 20;

/** A session that comes, or comes again. */
export interface Arrival {
  readonly user: string;
  readonly device: string;
  readonly connector: string;
  readonly session: string;
  /** As it was told; undefined for one that says hello, or was not registered when it did. */
  readonly birth: number | undefined;
  /** How long ago it said hello; undefined while it says so. Asked when the script leaves. */
  readonly ageMs: () => number | undefined;
  /** Whether its sync has come already: asked when the script leaves, which is after it was submitted. */
  readonly isSyncing: () => boolean;
}

export interface DeviceSession {
  readonly device: string;
  readonly entry: SessionEntry;
}

export interface Arrived {
  /** Orders the sessions of a user, by Redis's clock: it stays with the session. */
  readonly birth: number;
  /** The older session that it displaced, or "younger" when one that was born later stands. */
  readonly displaced: SessionEntry | "younger" | undefined;
  /** The oldest of this user's sessions, where there are more than a user may have. It may be among them. */
  readonly crowdedOut: readonly DeviceSession[];
  /** For one that is syncing, as of its registration. */
  readonly list: ToldList | undefined;
}

/**
 * Registers all who come at once, and reads the lists of those who sync, in one script: who comes back waits
 * for Redis once. A list is read after its session was registered, so nothing falls between the two.
 */
export class Arrivals {
  readonly #run: RunScript;
  readonly #keepSeconds: number;
  readonly #devicesMax: number;
  readonly #time = new RedisTime(() => systemClock.monotonic());
  readonly #rounds = new Rounds(
    async (arrivals: readonly Arrival[]) => this.#arrive(arrivals),
    () => 1,
    LISTS_PER_SCRIPT_MAX,
    SCRIPTS_IN_FLIGHT_MAX,
  );

  constructor(run: RunScript, keepSeconds: number, devicesMax: number) {
    this.#run = run;
    this.#devicesMax = devicesMax;
    this.#keepSeconds = keepSeconds;
  }

  async arrive(arrival: Arrival): Promise<Arrived> {
    const arrived = (await this.#rounds.submit(arrival)).get(arrival);
    if (arrived === undefined) throw new Error("a script told nothing of one who came");
    return arrived;
  }

  async #arrive(arrivals: readonly Arrival[]): Promise<ReadonlyMap<Arrival, Arrived>> {
    const syncing = arrivals.filter(({ isSyncing }) => isSyncing());
    const all = [...new Set([...syncing, ...arrivals])];
    const args = [
      this.#keepSeconds,
      HEADS_PER_SCRIPT_MAX,
      syncing.length,
      this.#devicesMax,
      this.#time.latest,
    ];
    const found = await this.#run(ARRIVE_SCRIPT, [...args, ...all.map((arrival) => this.#lineOf(arrival))]);
    const [displaced, time, texts = []] = found as [string[], string, ListsTexts?];
    this.#time.told(Number(time));
    const users = syncing.map(({ user }) => user);
    const lists = new Lists(users, texts);
    return new Map(
      all.map((arrival, index) => [
        arrival,
        {
          ...displacedOf(displaced[index] ?? ""),
          list: index < syncing.length ? lists.of(arrival.user) : undefined,
        },
      ]),
    );
  }

  /** One argument each: what ioredis and Redis pay for them is by their number. No id has a space. */
  #lineOf({ user, device, connector, session, birth, ageMs }: Arrival): string {
    return `${user} ${device} ${connector} ${session} ${birth ?? this.#unborn(ageMs())}`;
  }

  /** When a hello left, or how long ago it was said. */
  #unborn(ageMs: number | undefined): string {
    if (ageMs !== undefined) return `-${Math.max(1, Math.round(ageMs * 1_000))}`;
    return `+${this.#time.now() ?? ""}`;
  }
}

function displacedOf(text: string): Pick<Arrived, "birth" | "displaced" | "crowdedOut"> {
  const [birth, own = "", ...others] = text.split("\n");
  return {
    birth: Number(birth),
    displaced: own === "" ? undefined : own === "younger" ? "younger" : readSession(own),
    crowdedOut: others.map((line) => {
      const space = line.indexOf(" ");
      return { device: line.slice(0, space), entry: readSession(line.slice(space + 1)) };
    }),
  };
}

import type { ListsTexts, ToldList } from "./lists.ts";
import { HEADS_PER_SCRIPT_MAX, LISTS_PER_SCRIPT_MAX, Lists, SCRIPTS_IN_FLIGHT_MAX } from "./lists.ts";
import type { RunScript } from "./named-script.ts";
import { SCRIPTS } from "./presence-scripts.ts";
import type { SessionEntry } from "./presence-texts.ts";
import { readSession, sessionText } from "./presence-texts.ts";
import { Rounds } from "./rounds.ts";

/** Devices that a user may have at once, unless another number is told. */
export const DEVICES_PER_USER_MAX = 20;

/** A session that comes. */
export interface Arrival {
  readonly user: string;
  readonly device: string;
  readonly entry: SessionEntry;
  /** Whether its sync has come already: asked when the script leaves, which is after it was submitted. */
  readonly isSyncing: () => boolean;
}

export interface DeviceSession {
  readonly device: string;
  readonly entry: SessionEntry;
}

export interface Arrived {
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
    return (await this.#rounds.submit(arrival)).get(arrival) ?? NOBODY;
  }

  async #arrive(arrivals: readonly Arrival[]): Promise<ReadonlyMap<Arrival, Arrived>> {
    const syncing = arrivals.filter(({ isSyncing }) => isSyncing());
    const all = [...new Set([...syncing, ...arrivals])];
    const args = [this.#keepSeconds, HEADS_PER_SCRIPT_MAX, syncing.length, this.#devicesMax];
    const found = await this.#run(SCRIPTS.arrive, [...args, ...all.map(lineOf)]);
    const [displaced, texts = []] = found as [string[], ListsTexts?];
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
}

const NOBODY: Arrived = { displaced: undefined, crowdedOut: [], list: undefined };

function displacedOf(text: string): Pick<Arrived, "displaced" | "crowdedOut"> {
  const [own = "", ...others] = text.split("\n");
  return {
    displaced: own === "" ? undefined : own === "younger" ? "younger" : readSession(own),
    crowdedOut: others.map((line) => {
      const space = line.indexOf(" ");
      return { device: line.slice(0, space), entry: readSession(line.slice(space + 1)) };
    }),
  };
}

/** One argument each: what ioredis and Redis pay for them is by their number. No id has a space. */
const lineOf = ({ user, device, entry }: Arrival): string => `${user} ${device} ${sessionText(entry)}`;

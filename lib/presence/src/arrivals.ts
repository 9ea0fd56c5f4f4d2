import { systemClock } from "@jichat/protocol/clock.ts";
import type { ListsTexts, ToldList } from "./lists.ts";
import { HEADS_PER_SCRIPT_MAX, LISTS_PER_SCRIPT_MAX, Lists, SCRIPTS_IN_FLIGHT_MAX } from "./lists.ts";
import type { RunScript } from "./named-script.ts";
import { ARRIVE_SCRIPT } from "./arrive-script.ts";
import type { Credential, SessionEntry } from "./presence-texts.ts";
import { credentialText, readSession } from "./presence-texts.ts";
import { RedisTime } from "./redis-time.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";

/** Most devices that a user may have at once, unless configured otherwise. */
export const DEVICES_PER_USER_MAX = 20;

/** A session that registers, for the first time or again. */
export interface Arrival {
  readonly user: string;
  readonly device: string;
  readonly connector: string;
  readonly session: string;
  /**
   * The birth that an earlier registration returned. `undefined` for a new session, or for one whose
   * registration failed at its hello.
   */
  readonly birth: number | undefined;
  /**
   * Milliseconds since its hello; `undefined` while its hello is being answered. Read when the script is
   * sent.
   */
  readonly ageMs: () => number | undefined;
  readonly credential: Credential;
  /**
   * Whether its sync has arrived already. Read when the script is sent, which is later than the submission.
   */
  readonly isSyncing: () => boolean;
}

export interface DeviceSession {
  readonly device: string;
  readonly entry: SessionEntry;
}

export interface Arrived {
  /** Orders the sessions of a user: microseconds on Redis's clock. The session keeps it. */
  readonly birth: number;
  /** The older session that it displaced, or "younger" if a session with a later birth holds the device. */
  readonly displaced: SessionEntry | "younger" | undefined;
  /** The oldest sessions beyond the number that a user may have. The new session may be among them. */
  readonly crowdedOut: readonly DeviceSession[];
  /** The list as of the registration, if the session is syncing. */
  readonly list: ToldList | undefined;
}

/**
 * Registers all sessions that arrive together, and reads the lists of those that sync, in one script. So a
 * returning device waits for Redis once. A list is read after its session is registered, so no event is
 * missed in between.
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
    { inFlightMax: SCRIPTS_IN_FLIGHT_MAX },
  );

  constructor(run: RunScript, keepSeconds: number, devicesMax: number) {
    this.#run = run;
    this.#devicesMax = devicesMax;
    this.#keepSeconds = keepSeconds;
  }

  /** Redis is connected anew, and may be another one. */
  met(): void {
    this.#time.forget();
  }

  async arrive(arrival: Arrival): Promise<Arrived> {
    const arrived = (await this.#rounds.submit(arrival)).get(arrival);
    if (arrived === undefined) throw new Error("the script returned nothing for a session");
    return arrived;
  }

  async #arrive(arrivals: readonly Arrival[]): Promise<ReadonlyMap<Arrival, Arrived>> {
    const { syncing, others } = inTurn(arrivals);
    const all = [...syncing, ...others];
    const args = [
      this.#keepSeconds,
      HEADS_PER_SCRIPT_MAX,
      syncing.length,
      this.#devicesMax,
      this.#time.latest,
    ];
    const askedAt = systemClock.monotonic();
    const found = await this.#run(ARRIVE_SCRIPT, [...args, ...all.map((arrival) => this.#lineOf(arrival))]);
    const [displaced, time, texts = []] = found as [string[], string, ListsTexts?];
    this.#time.told(Number(time), askedAt);
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

  /**
   * One argument for each session: the cost for ioredis and Redis depends on the number of arguments. No id
   * has a space.
   */
  #lineOf({ user, device, connector, session, birth, ageMs, credential }: Arrival): string {
    const born = birth ?? this.#unborn(ageMs());
    return `${user} ${device} ${connector} ${session} ${born} ${credentialText(credential)}`;
  }

  /**
   * A birth that is not known yet: the latest time at which a hello can leave ('+'), or the age of a session
   * ('-'), in microseconds.
   */
  #unborn(ageMs: number | undefined): string {
    if (ageMs !== undefined) return `-${Math.max(1, Math.round(ageMs * 1_000))}`;
    return `+${this.#time.now() ?? ""}`;
  }
}

/**
 * Those that sync come first, as the script wants it. But the sessions of one device register in the order in
 * which they arrived, so that the last one stays.
 */
function inTurn(arrivals: readonly Arrival[]): { readonly syncing: Arrival[]; readonly others: Arrival[] } {
  const [syncing, others]: [Arrival[], Arrival[]] = [[], []];
  const behind = new Set<string>();
  for (const arrival of arrivals) {
    const device = `${arrival.user} ${arrival.device}`;
    if (arrival.isSyncing() && !behind.has(device)) syncing.push(arrival);
    else {
      others.push(arrival);
      behind.add(device);
    }
  }
  return { syncing, others };
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

import {
  decodeActivityAnswer,
  encodeActivityQuestion,
  ACTIVITY_USERS_MAX,
} from "@jichat/protocol/bus/activity.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import { AgedMap } from "./aged-map.ts";
import type { LiveDevice } from "./decide.ts";
import type { Activity, UserSessions } from "./ports.ts";

/** A connector that does not answer by then has no live session. */
const TIMEOUT_MS = 1_000;
/** An answer holds for as long: members of a busy conversation are not asked for with every message. */
const FRESH_MS = 1_000;
const ANSWERS_MAX = 100_000;
const CONNECTORS_MAX = 10_000;
const IN_FLIGHT_MAX = 4;

type Answer = ReadonlyMap<string, readonly LiveDevice[]>;

export interface ActivityParts {
  readonly bus: Pick<Bus, "request">;
  readonly names: Pick<Names, "activity">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly onSilent: (error: unknown) => void;
}

/** Asks connectors about the sessions that they hold, for many users at once. */
export class ActivityClient implements Activity {
  readonly #parts: ActivityParts;
  readonly #answers: AgedMap<readonly LiveDevice[]>;
  readonly #rounds = new Map<string, Rounds<string, Answer>>();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
    this.#answers = new AgedMap(async (key) => this.#read(key), {
      max: ANSWERS_MAX,
      ageMs: () => FRESH_MS,
      now: () => parts.clock.monotonic(),
    });
  }

  async of({ user, connectors }: UserSessions): Promise<readonly LiveDevice[]> {
    const found = connectors.map(async (connector) => this.#answers.of(`${connector} ${user}`));
    return (await Promise.all(found)).flat();
  }

  async #read(key: string): Promise<readonly LiveDevice[]> {
    const space = key.indexOf(" ");
    const user = key.slice(space + 1);
    return (await this.#roundsOf(key.slice(0, space)).submit(user)).get(user) ?? [];
  }

  #roundsOf(connector: string): Rounds<string, Answer> {
    const known = this.#rounds.get(connector);
    if (known !== undefined) return known;
    const ask = async (users: readonly string[]): Promise<Answer> => this.#ask(connector, users);
    const rounds = new Rounds(ask, () => 1, ACTIVITY_USERS_MAX, IN_FLIGHT_MAX);
    for (const [other, { isIdle }] of this.#rounds) {
      if (this.#rounds.size < CONNECTORS_MAX) break;
      if (isIdle) this.#rounds.delete(other);
    }
    this.#rounds.set(connector, rounds);
    return rounds;
  }

  async #ask(connector: string, users: readonly string[]): Promise<Answer> {
    const { bus, names, onSilent } = this.#parts;
    try {
      const question = encodeActivityQuestion([...new Set(users)]);
      const { devices } = decodeActivityAnswer(
        await bus.request(names.activity(connector), question, TIMEOUT_MS),
      );
      return Map.groupBy(devices, ({ user }) => user);
    } catch (error) {
      onSilent(error);
      return new Map();
    }
  }
}

import {
  decodeActivityAnswer,
  encodeActivityQuestion,
  ACTIVITY_USERS_MAX,
} from "@jichat/protocol/bus/activity.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { CONNECTOR_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import { AgedMap } from "./aged-map.ts";
import type { LiveDevice } from "./decide.ts";
import type { Activity, UserSessions } from "./ports.ts";

const TIMEOUT_MS = 1_000;
/** A connector that did not answer is not asked again sooner: nobody waits for the same answer twice. */
const AGAIN_MS = 400;
/**
 * Redis forgets a connector that is dead within half of this time. Of one that is silent for longer nobody
 * knows more, as of one whose build is older than the question: it has no live session.
 */
const SILENT_MAX_MS = 2 * CONNECTOR_TTL_MS;
/** An answer holds for as long: members of a busy conversation are not asked for with every message. */
const FRESH_MS = 1_000;
const ANSWERS_MAX = 20_000;
const CONNECTORS_MAX = 10_000;
const IN_FLIGHT_MAX = 4;

type Answer = ReadonlyMap<string, readonly LiveDevice[]>;

/** The latest answers that a connector did not give, in monotonic milliseconds. */
interface Silence {
  readonly since: number;
  readonly last: number;
  readonly error: unknown;
}

interface Asked {
  readonly rounds: Rounds<string, Answer>;
  silence: Silence | undefined;
}

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
  readonly #asked = new Map<string, Asked>();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
    this.#answers = new AgedMap(async (key) => this.#read(key), {
      max: ANSWERS_MAX,
      ageMs: () => FRESH_MS,
      now: () => parts.clock.monotonic(),
    });
  }

  /**
   * Rejects with UNAVAILABLE if a connector does not answer, since NATS may be away, or the connector busy:
   * nobody is told of what they look at. Who asks again finds a dead connector's sessions gone from Redis.
   */
  async of({ user, connectors }: UserSessions): Promise<readonly LiveDevice[]> {
    const found = connectors.map(async (connector) => this.#answers.of(`${connector} ${user}`));
    return (await Promise.all(found)).flat();
  }

  async #read(key: string): Promise<readonly LiveDevice[]> {
    const space = key.indexOf(" ");
    const user = key.slice(space + 1);
    return (await this.#askedOf(key.slice(0, space)).rounds.submit(user)).get(user) ?? [];
  }

  #askedOf(connector: string): Asked {
    const known = this.#asked.get(connector);
    if (known !== undefined) return known;
    const ask = async (users: readonly string[]): Promise<Answer> => this.#ask(connector, asked, users);
    const rounds = new Rounds(ask, () => 1, ACTIVITY_USERS_MAX, { inFlightMax: IN_FLIGHT_MAX });
    const asked: Asked = { rounds, silence: undefined };
    for (const [other, { rounds }] of this.#asked) {
      if (this.#asked.size < CONNECTORS_MAX) break;
      if (rounds.isIdle) this.#asked.delete(other);
    }
    this.#asked.set(connector, asked);
    return asked;
  }

  async #ask(connector: string, asked: Asked, users: readonly string[]): Promise<Answer> {
    const { bus, names, clock } = this.#parts;
    const { silence } = asked;
    if (silence !== undefined && clock.monotonic() - silence.last < AGAIN_MS)
      return this.#unheard(silence, silence.error);
    try {
      const question = encodeActivityQuestion([...new Set(users)]);
      const { devices } = decodeActivityAnswer(
        await bus.request(names.activity(connector), question, TIMEOUT_MS),
      );
      asked.silence = undefined;
      return Map.groupBy(devices, ({ user }) => user);
    } catch (error) {
      asked.silence = silenceAt(clock.monotonic(), asked.silence, error);
      return this.#unheard(asked.silence, error);
    }
  }

  /** Nobody is there, once it has been silent for long. Throws before. */
  #unheard({ since, last }: Silence, cause: unknown): Answer {
    if (last - since < SILENT_MAX_MS)
      throw new ChatError("UNAVAILABLE", "a connector does not say who looks", { cause });
    this.#parts.onSilent(cause);
    return new Map();
  }
}

/** One that was not asked for a while may have answered meanwhile. */
const silenceAt = (now: number, before: Silence | undefined, error: unknown): Silence => ({
  since: before === undefined || now - before.last > SILENT_MAX_MS ? now : before.since,
  last: now,
  error,
});

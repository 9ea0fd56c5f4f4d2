import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { PushFacts } from "@jichat/presence/push-facts.ts";
import type { Decision, Facts, LiveDevice, PushSettings, Standing } from "./decide.ts";
import { decide } from "./decide.ts";
import type { Activity, Log, Notes, StoredStandings, Told, UserSessions } from "./ports.ts";

const RETRY_MS = 500;

/** A message for one device. */
export interface Candidate {
  /** Of its place (`placeKey`). */
  readonly key: string;
  readonly user: string;
  readonly registration: PushRegistration;
  readonly message: Told;
}

export interface Verdict {
  readonly decision: Decision;
  readonly standing: Standing | undefined;
  readonly shown: number;
  /** Monotonic milliseconds at which the facts were asked for. */
  readonly at: number;
}

export interface JudgeParts {
  readonly notes: Pick<Notes, "facts">;
  readonly stored: StoredStandings;
  readonly activity: Activity;
  readonly clock: Clock;
  readonly settings: PushSettings;
  readonly log: Log;
}

/** What is read of one user and one conversation, for all of the user's devices and all of its messages. */
interface Group {
  readonly user: string;
  readonly conversation: string;
  readonly notes: string[];
  no: number;
}

/** Reads the facts of many candidates together, and decides. */
export class Judge {
  readonly #parts: JudgeParts;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  /**
   * One for each candidate, in their order. Waits while Redis is not there or may lack sessions, and while a
   * connector does not say who looks. Rejects once the signal aborts.
   */
  async judge(candidates: readonly Candidate[], signal: AbortSignal): Promise<readonly Verdict[]> {
    for (;;) {
      const verdicts = await this.judgeKnown(candidates, signal);
      const known = verdicts.filter((verdict) => verdict !== undefined);
      if (known.length === candidates.length) return known;
      await this.#parts.clock.sleep(RETRY_MS, signal);
    }
  }

  /** The same, but waits for no connector: `undefined` for whom one that is silent may hold. */
  async judgeKnown(
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<readonly (Verdict | undefined)[]> {
    for (;;) {
      try {
        return await this.#judge(candidates);
      } catch (error) {
        signal.throwIfAborted();
        this.#parts.log.warn({ err: error }, "pushes wait: what they depend on cannot be read");
        await this.#parts.clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async #judge(candidates: readonly Candidate[]): Promise<readonly (Verdict | undefined)[]> {
    const { clock, settings } = this.#parts;
    const at = clock.monotonic();
    const groups = groupsOf(candidates);
    const facts = new Map(
      await Promise.all([...groups].map(async ([key, group]) => [key, await this.#factsOf(group)] as const)),
    );
    const now = clock.now();
    const look = (candidate: Candidate, live: readonly LiveDevice[]): Verdict => {
      const key = groupKey(candidate);
      const known = factsOf(candidate, groups.get(key), facts.get(key), live);
      return { decision: decide({ ...candidate, facts: known }, settings, now), at, ...known };
    };
    const first = candidates.map((candidate) => look(candidate, []));
    const live = await this.#live(
      candidates.filter((_, index) => first[index]?.decision.is === "push"),
      facts,
    );
    return candidates.map((candidate, index) => {
      const known = live.get(candidate.user);
      const verdict = first[index];
      // Nobody is asked about a user who would not be pushed anyway.
      if (verdict === undefined || verdict.decision.is === "skip" || known === undefined) return verdict;
      return known === "unknown" ? undefined : look(candidate, known);
    });
  }

  async #factsOf(group: Group): Promise<PushFacts> {
    const facts = await this.#parts.notes.facts(group);
    if (facts.entry !== undefined) return facts;
    return { ...facts, entry: await this.#parts.stored.of(group.user, group.conversation) };
  }

  /** Live sessions of the users who would be pushed and who have any, unless a connector is silent. */
  async #live(
    candidates: readonly Candidate[],
    facts: ReadonlyMap<string, PushFacts>,
  ): Promise<ReadonlyMap<string, readonly LiveDevice[] | "unknown">> {
    const connectors = new Map<string, readonly string[]>();
    for (const candidate of candidates) {
      const sessions = facts.get(groupKey(candidate))?.sessions ?? [];
      if (sessions.length > 0)
        connectors.set(candidate.user, [...new Set(sessions.map(({ connector }) => connector))]);
    }
    return new Map(
      await Promise.all(
        [...connectors].map(
          async ([user, connectors]) => [user, await this.#activityOf({ user, connectors })] as const,
        ),
      ),
    );
  }

  async #activityOf(sessions: UserSessions): Promise<readonly LiveDevice[] | "unknown"> {
    try {
      return await this.#parts.activity.of(sessions);
    } catch (error) {
      this.#parts.log.warn({ err: error }, "pushes wait: a connector does not say who looks");
      return "unknown";
    }
  }
}

const groupKey = ({ user, message }: Candidate): string => `${user} ${message.conversation}`;

function groupsOf(candidates: readonly Candidate[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const candidate of candidates) {
    const key = groupKey(candidate);
    const { conversation, no } = candidate.message;
    const group = groups.get(key) ?? { user: candidate.user, conversation, notes: [], no: 0 };
    groups.set(key, group);
    group.no = Math.max(group.no, no);
    if (!group.notes.includes(candidate.key)) group.notes.push(candidate.key);
  }
  return groups;
}

function factsOf(
  candidate: Candidate,
  group: Group | undefined,
  facts: PushFacts | undefined,
  live: readonly LiveDevice[],
): Facts {
  const shown = facts?.shown[group?.notes.indexOf(candidate.key) ?? 0] ?? 0;
  return { standing: standingOf(facts?.entry), live, shown };
}

const standingOf = (entry: ListEntry | undefined): Standing | undefined =>
  entry && { mark: entry.mark, markNo: entry.markNo, left: entry.left, muted: entry.settings?.muted };

/** A message that was acked. */
export interface Message {
  readonly conversation: string;
  readonly seq: number;
  /** Members but its author. */
  readonly to: readonly string[];
  /** All times are milliseconds since 1970. */
  readonly at: number;
}

/** A notification that a provider has taken. */
export interface Push {
  readonly user: string;
  readonly device: string;
  readonly conversation: string;
  readonly seq: number;
  readonly count: number;
  /** When the attempt began. */
  readonly at: number;
}

/** A read mark that was acked. */
export interface Read {
  readonly user: string;
  readonly conversation: string;
  readonly seq: number;
  readonly at: number;
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Person {
  readonly user: string;
  /** Registered devices that have to hear of what they miss. */
  readonly devices: readonly string[];
  /** From when on none of them is live, and nobody looks. Infinity if that never happens. */
  readonly awayFrom: number;
  /** Times in which a session of the user was online, and said that somebody looks. */
  readonly active: readonly Interval[];
  /** Times in which a registered device of the user was online itself, whether or not somebody looked. */
  readonly live: readonly (Interval & { readonly device: string })[];
}

export interface Account {
  readonly messages: readonly Message[];
  readonly pushes: readonly Push[];
  readonly reads: readonly Read[];
  readonly people: readonly Person[];
}

/** Whatever was read for as long is pushed no more. */
export const READ_MS = 5_000;
/** A decision holds for a second, and what it knows of activity for another. One is for the clocks. */
const DECIDED_MS = 3_000;
/** A device learns of its session's end later than the connector that ended it. */
const NOTICED_MS = 2_000;

export interface Coverage {
  /** With a push of its own. */
  readonly own: number;
  /** Behind a later push of its conversation that stands for several. */
  readonly folded: number;
  /** Behind a later push of its conversation that stands for one. */
  readonly later: number;
  /** Without any. */
  readonly untold: readonly string[];
}

const placeOf = (user: string, conversation: string, device = ""): string =>
  `${user} ${device} ${conversation}`;

function highest<T extends { readonly seq: number }>(
  all: readonly T[],
  keyOf: (one: T) => string,
): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const one of all) {
    const key = keyOf(one);
    found.set(key, Math.max(one.seq, found.get(key) ?? 0));
  }
  return found;
}

/** By what each message is told that a device missed, and that nobody had read at the end. */
export function coverageOf({ messages, pushes, reads, people }: Account): Coverage {
  const marks = highest(reads, ({ user, conversation }) => placeOf(user, conversation));
  const keyOf = ({ user, conversation, device }: Push): string => placeOf(user, conversation, device);
  const last = highest(pushes, keyOf);
  const lastFolded = highest(
    pushes.filter(({ count }) => count > 1),
    keyOf,
  );
  const own = new Set(pushes.map((push) => `${keyOf(push)} ${push.seq}`));
  const byName = new Map(people.map((person) => [person.user, person]));
  const found = { own: 0, folded: 0, later: 0 };
  const untold: string[] = [];
  for (const { conversation, seq, to, at } of messages)
    for (const person of to.flatMap((user) => byName.get(user) ?? [])) {
      if (at < person.awayFrom || seq <= (marks.get(placeOf(person.user, conversation)) ?? 0)) continue;
      for (const device of person.devices) {
        const place = placeOf(person.user, conversation, device);
        if (own.has(`${place} ${seq}`)) found.own += 1;
        else if ((lastFolded.get(place) ?? 0) > seq) found.folded += 1;
        else if ((last.get(place) ?? 0) > seq) found.later += 1;
        else untold.push(`${person.user}/${device} never heard of ${conversation} ${seq}`);
      }
    }
  return { ...found, untold };
}

/** Pushes of what was read on another device `READ_MS` before. */
export function pushedThoughRead({ pushes, reads }: Account): readonly string[] {
  const byPlace = Map.groupBy(reads, ({ user, conversation }) => placeOf(user, conversation));
  return pushes.flatMap(({ user, device, conversation, seq, at }) => {
    const read = byPlace
      .get(placeOf(user, conversation))
      ?.find((mark) => mark.seq >= seq && mark.at + READ_MS <= at);
    if (read === undefined) return [];
    return [`${user}/${device} was told of ${conversation} ${seq}, read ${at - read.at} ms before`];
  });
}

/**
 * Pushes to users who had looked at one of their devices all the time since they could be decided, and to
 * devices that had been online themselves for as long.
 */
export function pushedThoughThere({ pushes, people }: Account): readonly string[] {
  const byName = new Map(people.map((person) => [person.user, person]));
  return pushes.flatMap(({ user, device, conversation, seq, at }) => {
    const { active = [], live = [] } = byName.get(user) ?? {};
    const during = [...active, ...live.filter((one) => one.device === device)].find(
      ({ from, to }) => from + DECIDED_MS <= at && at + NOTICED_MS <= to,
    );
    if (during === undefined) return [];
    const [before, after] = [at - during.from, during.to - at];
    return [`${user}/${device} was told of ${conversation} ${seq}, there for ${before} ms and ${after} more`];
  });
}

/** How often an id has come again by `at`: counted over the run. */
export interface Repeats {
  readonly at: number;
  readonly total: number;
}

/** A fault after which pushes may come again (ADR 0036): a worker, NATS or Redis is killed. */
export interface Kill {
  readonly what: string;
  readonly from: number;
  /** Within this time whatever was under way has come again. */
  readonly to: number;
}

/** Ids that came again with no such fault before, or more of them than `most` for each fault. */
export function repeatedTooOften(
  samples: readonly Repeats[],
  kills: readonly Kill[],
  most: number,
): readonly string[] {
  const wrong: string[] = [];
  let before = 0;
  for (const { at, total } of samples) {
    const more = total - before;
    before = total;
    if (more > 0 && !kills.some(({ from, to }) => from <= at && at <= to))
      wrong.push(`${more} ids came again at ${new Date(at).toISOString()}, for no reason that is known`);
  }
  if (before > most * kills.length)
    wrong.push(`${before} ids came again after ${kills.length} faults: at most ${most} may for each`);
  return wrong;
}

/** A message that was acked. */
export interface Message {
  readonly conversation: string;
  readonly seq: number;
  /** Members but its author. */
  readonly to: readonly string[];
  /** All times are milliseconds since 1970. */
  readonly at: number;
}

/** A notification that a provider has taken, or has known by its id. */
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
  /** Times in which a message need not reach the devices, since a provider called them gone. */
  readonly unregistered: readonly Interval[];
  /** Times in which a session of the user was online, and said that somebody looks. */
  readonly active: readonly Interval[];
  /** Times in which a registered device of the user was online itself, whether or not somebody looked. */
  readonly live: readonly (Interval & { readonly device: string })[];
}

/** A push that its provider refused for good. */
export interface DeadLetter extends Push {
  readonly reason: string;
}

export interface Account {
  readonly deadLetters: readonly DeadLetter[];
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
  /** By a later push of its conversation, which stands for as many messages as there are since. */
  readonly folded: number;
  /** Only behind a later push of its conversation, which stands for fewer. */
  readonly later: readonly string[];
  /** In a dead letter, or in one that stood for several. */
  readonly buried: number;
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

type Told = Pick<Push, "user" | "device" | "conversation" | "seq" | "count">;

const inShort = (push: Told | undefined): string =>
  push === undefined ? "none" : `${push.seq} for ${push.count}`;

/** What is known of one device's conversation. */
class Place {
  readonly #pushes: readonly Told[];
  readonly #letters: readonly Told[];
  /** Messages that have no push and no dead letter of their own, rising. */
  readonly #others: readonly number[];

  /** `seqs` are those of the messages to the user, rising. */
  constructor(pushes: readonly Told[], letters: readonly Told[], seqs: readonly number[]) {
    const bySeq = (a: Told, b: Told): number => a.seq - b.seq;
    this.#pushes = pushes.toSorted(bySeq);
    this.#letters = letters.toSorted(bySeq);
    const own = new Set([...pushes, ...letters].map(({ seq }) => seq));
    this.#others = seqs.filter((seq) => !own.has(seq));
  }

  coverOf(seq: number): "own" | "folded" | "buried" | "later" | "untold" {
    if (this.#pushes.some((one) => one.seq === seq)) return "own";
    if (this.#pushes.some((one) => this.#folds(one, seq))) return "folded";
    if (this.#letters.some((one) => one.seq === seq || this.#folds(one, seq))) return "buried";
    return this.#pushes.some((one) => one.seq > seq) ? "later" : "untold";
  }

  /** Whether a later push stands for as many others as there are from this message on. */
  #folds(one: Told, seq: number): boolean {
    if (one.seq <= seq) return false;
    return this.#others.filter((other) => other >= seq && other < one.seq).length < one.count;
  }

  /** The pushes around a message, for whoever looks for what became of it. */
  near(seq: number): string {
    const before = this.#pushes.findLast((one) => one.seq < seq);
    const after = this.#pushes.find((one) => one.seq > seq);
    return `between ${inShort(before)} and ${inShort(after)}`;
  }
}

/** By what each message is told that a device missed, and that nobody had read at the end. */
export function coverageOf({ messages, pushes, deadLetters, reads, people }: Account): Coverage {
  const marks = highest(reads, ({ user, conversation }) => placeOf(user, conversation));
  const keyOf = ({ user, conversation, device }: Told): string => placeOf(user, conversation, device);
  const pushesOf = Map.groupBy(pushes, keyOf);
  const lettersOf = Map.groupBy(deadLetters, keyOf);
  const byConversation = Map.groupBy(messages, ({ conversation }) => conversation);
  const byName = new Map(people.map((person) => [person.user, person]));
  const found = { own: 0, folded: 0, buried: 0 };
  const lost: Record<"later" | "untold", string[]> = { later: [], untold: [] };
  for (const [conversation, all] of byConversation)
    for (const person of new Set(all.flatMap(({ to }) => to.flatMap((user) => byName.get(user) ?? [])))) {
      const { user, awayFrom, unregistered, devices } = person;
      const own = all.filter(({ to }) => to.includes(user)).toSorted((a, b) => a.seq - b.seq);
      const seqs = own.map(({ seq }) => seq);
      const mark = marks.get(placeOf(user, conversation)) ?? 0;
      for (const device of devices) {
        const place = placeOf(user, conversation, device);
        const known = new Place(pushesOf.get(place) ?? [], lettersOf.get(place) ?? [], seqs);
        for (const { seq, at } of own) {
          if (at < awayFrom || seq <= mark || unregistered.some(({ from, to }) => from <= at && at <= to))
            continue;
          const cover = known.coverOf(seq);
          if (cover === "later" || cover === "untold")
            lost[cover].push(`${user}/${device}: ${conversation} ${seq}, ${known.near(seq)}`);
          else found[cover] += 1;
        }
      }
    }
  return { ...found, ...lost };
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

/**
 * A fault after which pushes may come again (ADR 0036): a worker, NATS or Redis is killed, or a provider
 * denies what it has taken.
 */
export interface Repeating {
  readonly what: string;
  readonly from: number;
  /** Within this time whatever was under way has come again. */
  readonly to: number;
}

/** Ids that came again with no such fault before, or more of them than `most` for each fault. */
export function repeatedTooOften(
  samples: readonly Repeats[],
  faults: readonly Repeating[],
  most: number,
): readonly string[] {
  const wrong: string[] = [];
  let before = 0;
  for (const { at, total } of samples) {
    const more = total - before;
    before = total;
    if (more > 0 && !faults.some(({ from, to }) => from <= at && at <= to))
      wrong.push(`${more} ids came again at ${new Date(at).toISOString()}, for no reason that is known`);
  }
  if (before > most * faults.length)
    wrong.push(`${before} ids came again after ${faults.length} faults: at most ${most} may for each`);
  return wrong;
}

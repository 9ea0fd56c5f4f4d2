import type { Candidates } from "@jichat/presence/candidates.ts";
import { NO_CANDIDATES, candidatesOfBoth } from "@jichat/presence/candidates.ts";
import type { Reached } from "@jichat/presence/presence.ts";
import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";
import { SCRIPT_COST_MAX, headCost } from "@jichat/presence/presence-update.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { usersOf } from "./effect-unit.ts";

/**
 * Writes a unit to Redis in parts, each of which takes Redis a short time. A part that is written is not
 * written again if a later one fails. Sessions are read after everything is written: a session that registers
 * later finds it in Redis.
 */
export class Publication {
  readonly online = new Map<string, readonly string[]>();
  candidates: Candidates = NO_CANDIDATES;
  readonly #partition: number;
  readonly #position: number;
  readonly #costMax: number;
  readonly #heads: Line<PresenceUpdate["heads"][number]>;
  readonly #entries: Line<PresenceUpdate["entries"][number]>;
  readonly #unsure: Line<string>;
  readonly #users: Line<string>;
  #isDone = false;

  constructor(partition: number, position: number, unit: EffectUnit, costMax = SCRIPT_COST_MAX) {
    this.#partition = partition;
    this.#position = position;
    this.#costMax = costMax;
    this.#heads = new Line([...unit.heads.values()], headCost);
    this.#entries = new Line<PresenceUpdate["entries"][number]>([...unit.entries.values()]);
    this.#unsure = new Line([...unit.unsure]);
    this.#users = new Line(usersOf(unit));
  }

  /** The next part; `undefined` if there is none. Returns the same part until `written` is called with it. */
  next(): PresenceUpdate | undefined {
    if (this.#isDone && this.#users.isOver) return undefined;
    const room = { left: this.#costMax };
    const part = {
      partition: this.#partition,
      position: this.#position,
      heads: this.#heads.fit(room),
      entries: this.#entries.fit(room),
      unsure: this.#unsure.fit(room),
    };
    const isDone =
      part.heads.length === this.#heads.left &&
      part.entries.length === this.#entries.left &&
      part.unsure.length === this.#unsure.left;
    return { ...part, isDone, users: isDone ? this.#users.fit(room) : [] };
  }

  written(part: PresenceUpdate, { online, candidates }: Reached): void {
    this.#heads.pass(part.heads.length);
    this.#entries.pass(part.entries.length);
    this.#unsure.pass(part.unsure.length);
    this.#users.pass(part.users.length);
    this.#isDone ||= part.isDone;
    for (const user of part.users) this.online.set(user, online.get(user) ?? []);
    if (part.users.length > 0) this.candidates = candidatesOfBoth(this.candidates, candidates);
  }
}

/** A queue whose items leave only after they were written. */
class Line<T> {
  readonly #items: readonly T[];
  readonly #costOf: (item: T) => number;
  #at = 0;

  constructor(items: readonly T[], costOf: (item: T) => number = () => 1) {
    this.#items = items;
    this.#costOf = costOf;
  }

  get left(): number {
    return this.#items.length - this.#at;
  }

  get isOver(): boolean {
    return this.left === 0;
  }

  /** Items from the front that fit into `room`; their costs are subtracted from it. */
  fit(room: { left: number }): readonly T[] {
    let end = this.#at;
    for (; end < this.#items.length && room.left > 0; end += 1)
      room.left -= this.#costOf(this.#items[end] as T);
    return this.#at === 0 && end === this.#items.length ? this.#items : this.#items.slice(this.#at, end);
  }

  pass(count: number): void {
    this.#at += count;
  }
}

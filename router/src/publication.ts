import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";
import { SCRIPT_COST_MAX, headCost } from "@jichat/presence/presence-update.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { usersOf } from "./effect-unit.ts";

/**
 * A unit on its way into Redis, in parts that each take Redis a short time, however much it is. What a part
 * has written is not written again when a later one fails. Sessions are asked for once all is written: who
 * registers later finds it in Redis.
 */
export class Publication {
  readonly online = new Map<string, readonly string[]>();
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
    this.#entries = new Line([...unit.entries.values()]);
    this.#unsure = new Line([...unit.unsure]);
    this.#users = new Line(usersOf(unit));
  }

  /** The next part; undefined when there is none. The same one again until it is `written`. */
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

  written(part: PresenceUpdate, online: ReadonlyMap<string, readonly string[]>): void {
    this.#heads.pass(part.heads.length);
    this.#entries.pass(part.entries.length);
    this.#unsure.pass(part.unsure.length);
    this.#users.pass(part.users.length);
    this.#isDone ||= part.isDone;
    for (const user of part.users) this.online.set(user, online.get(user) ?? []);
  }
}

/** Waits in order, and leaves from its front. */
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

  /** Those for whom there is room, which they take. */
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

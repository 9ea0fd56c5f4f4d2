import type { Member } from "./conversation.ts";

/** Everybody in a membership map, and the seq from which on all of them see events. */
interface Audience {
  readonly users: readonly string[];
  readonly since: number;
}

/** Such a map is replaced, never changed (`Conversation`): its people are listed once. */
const audiences = new WeakMap<ReadonlyMap<string, Member>, Audience>();

export function audienceOf(members: ReadonlyMap<string, Member>): Audience {
  const known = audiences.get(members);
  if (known !== undefined) return known;
  let since = 0;
  for (const { first } of members.values()) since = Math.max(since, first);
  const audience = { users: [...members.keys()], since };
  audiences.set(members, audience);
  return audience;
}

/** In JSON: quotes and a comma around each. */
export function nameBytes(users: readonly string[]): number {
  let bytes = 0;
  for (const user of users) bytes += user.length + 3;
  return bytes;
}

/**
 * Whom the events of one batch go to. All that a batch has for one connector is one message, with the names
 * of its readers in it: lists of people that events share are counted once, as they travel.
 */
export class Readership {
  readonly #bytesMax: number;
  readonly #lists = new Set<readonly string[]>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * For events that these people hear of, and for the lists that come and go with `changed`. One command fits
   * always: there has to be a batch that takes it.
   */
  hasRoomFor(users: readonly string[], changed: readonly string[]): boolean {
    if (this.#bytes === 0 || (changed.length === 0 && this.#lists.has(users))) return true;
    return this.#bytes + nameBytes(users) + nameBytes(changed) <= this.#bytesMax;
  }

  add(users: readonly string[]): void {
    if (this.#lists.has(users)) return;
    this.#lists.add(users);
    this.#bytes += nameBytes(users);
  }
}

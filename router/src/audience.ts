import type { Member } from "./conversation.ts";

/** All users of a membership map, and the seq from which on all of them see events. */
interface Audience {
  readonly users: readonly string[];
  readonly since: number;
}

/**
 * A cache by membership map. A map is replaced, never changed (`Conversation`), so its users are listed once.
 */
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

/** Bytes of users' names in JSON: each has two quotes and a comma. */
export function nameBytes(users: readonly string[]): number {
  let bytes = 0;
  for (const user of users) bytes += user.length + 3;
  return bytes;
}

/**
 * The readers of the events of one batch. A batch has one message for each connector, which holds the names
 * of the readers. A list that events share travels once, so it is counted once.
 */
export class Readership {
  readonly #bytesMax: number;
  readonly #lists = new Set<readonly string[]>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Whether there is room for events that `users` read and for the lists that `changed` members add. The
   * first command always fits: some batch has to take it.
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

import type { Row } from "./row.ts";
import type { ConversationList, ConversationView } from "./types.ts";

/** The server's order (`synced`): the latest first, and by id at the same time. */
const comesBefore = (a: Row<unknown>, b: Row<unknown>): boolean =>
  a.activeAt > b.activeAt || (a.activeAt === b.activeAt && a.id < b.id);

/** All rows, and the list of those that the user is a member of. It stays sorted: an event moves one row. */
export class ConversationBook<B> {
  readonly #rows = new Map<string, Row<B>>();
  readonly #peers = new Map<string, string>();
  readonly #order: Row<B>[] = [];
  #unread = 0;
  #isComplete = false;
  #view: ConversationList<B> | undefined;

  get(id: string): Row<B> | undefined {
    return this.#rows.get(id);
  }

  get rows(): IterableIterator<Row<B>> {
    return this.#rows.values();
  }

  /** The 1-1 conversation with the user, if it is known. */
  withPeer(user: string): string | undefined {
    return this.#peers.get(user);
  }

  bind(user: string, id: string): void {
    this.#peers.set(user, id);
  }

  set isComplete(isComplete: boolean) {
    this.#isComplete = isComplete;
    this.#view = undefined;
  }

  /** Puts the row in the place of the one with its id. */
  put(row: Row<B>): void {
    const known = this.#rows.get(row.id);
    if (known === row) return;
    this.#rows.set(row.id, row);
    if (row.peer !== undefined) this.#peers.set(row.peer, row.id);
    this.#view = undefined;
    if (known?.isMember === true) {
      this.#unread -= known.unread;
      this.#replace(known, row);
    } else if (row.isMember) this.#order.splice(this.#placeOf(row), 0, row);
    if (row.isMember) this.#unread += row.unread;
  }

  clear(): void {
    this.#rows.clear();
    this.#peers.clear();
    this.#order.length = 0;
    this.#unread = 0;
    this.isComplete = false;
  }

  /** The same object until something changes. */
  get view(): ConversationList<B> {
    this.#view ??= {
      conversations: this.#order.slice() satisfies readonly ConversationView<B>[],
      unread: this.#unread,
      isComplete: this.#isComplete,
    };
    return this.#view;
  }

  #replace(known: Row<B>, row: Row<B>): void {
    const at = this.#placeOf(known);
    if (row.isMember && row.activeAt === known.activeAt) this.#order[at] = row;
    else {
      this.#order.splice(at, 1);
      if (row.isMember) this.#order.splice(this.#placeOf(row), 0, row);
    }
  }

  /** The number of rows that come before this one. */
  #placeOf(row: Row<B>): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comesBefore(this.#order[middle] as Row<B>, row)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import type { Session } from "./session.ts";

/** All sockets of this process, and the placed sessions by user and device. */
export class Hub {
  readonly #sockets = new Set<Session>();
  /** A user's sessions, one for each device. There are few, so an array takes less memory than a map. */
  readonly #users = new Map<string, readonly Session[]>();
  readonly #addresses = new Map<string, number>();

  get size(): number {
    return this.#sockets.size;
  }

  get sockets(): Iterable<Session> {
    return this.#sockets;
  }

  get users(): number {
    return this.#users.size;
  }

  socketsOf(address: string): number {
    return this.#addresses.get(address) ?? 0;
  }

  open(session: Session): void {
    this.#sockets.add(session);
    const { address } = session.birth;
    this.#addresses.set(address, this.socketsOf(address) + 1);
  }

  /** Removes a socket. Safe to call twice. A newer session of the same device stays in its place. */
  close(session: Session): void {
    if (!this.#sockets.delete(session)) return;
    const { address } = session.birth;
    const left = this.socketsOf(address) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
    const others = this.of(session.user).filter((other) => other !== session);
    if (others.length > 0) this.#users.set(session.user, others);
    else this.#users.delete(session.user);
  }

  /** Makes the session the one of its device. Returns the session that it replaces. */
  place(session: Session): Session | undefined {
    const { user, device } = session;
    const held = this.find(user, device);
    const others = this.of(user).filter((other) => other !== held);
    this.#users.set(user, [...others, session]);
    return held === session ? undefined : held;
  }

  of(user: string): readonly Session[] {
    return this.#users.get(user) ?? [];
  }

  find(user: string, device: string): Session | undefined {
    return this.of(user).find((session) => session.device === device);
  }

  /** Sessions in their device's place: live ones, and those that are still being greeted. */
  *placed(): Generator<Session> {
    for (const devices of this.#users.values()) yield* devices;
  }
}

import type { Session } from "./session.ts";

/** All sockets of this process, and the live sessions among them by user and device. */
export class Hub {
  readonly #sockets = new Set<Session>();
  readonly #users = new Map<string, Map<string, Session>>();
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

  close(session: Session): void {
    if (!this.#sockets.delete(session)) return;
    const { address } = session.birth;
    const left = this.socketsOf(address) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
    const devices = this.#users.get(session.user);
    if (devices?.get(session.device) !== session) return;
    devices.delete(session.device);
    if (devices.size === 0) this.#users.delete(session.user);
  }

  /** Puts a session in its device's place. Returns the one that held it. */
  place(session: Session): Session | undefined {
    const devices = this.#users.get(session.user) ?? new Map<string, Session>();
    this.#users.set(session.user, devices);
    const held = devices.get(session.device);
    devices.set(session.device, session);
    return held === session ? undefined : held;
  }

  of(user: string): Iterable<Session> {
    return this.#users.get(user)?.values() ?? [];
  }

  find(user: string, device: string): Session | undefined {
    return this.#users.get(user)?.get(device);
  }

  *placed(): Generator<Session> {
    for (const devices of this.#users.values()) yield* devices.values();
  }
}

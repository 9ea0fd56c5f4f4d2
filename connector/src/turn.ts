/** What has frames to send. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers the sockets that were written to in one turn of the event loop, and flushes each once at its end: a
 * batch of acks and the deliveries behind it cost a socket one system call, not one each.
 */
export class Turn {
  #dirty: Flushable[] = [];
  readonly #schedule: (act: () => void) => void;

  constructor(schedule: (act: () => void) => void = setImmediate) {
    this.#schedule = schedule;
  }

  /** To be called once per turn and socket. */
  flushLater(socket: Flushable): void {
    this.#dirty.push(socket);
    if (this.#dirty.length === 1)
      this.#schedule(() => {
        this.#flushAll();
      });
  }

  #flushAll(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const socket of dirty) socket.flush();
  }
}

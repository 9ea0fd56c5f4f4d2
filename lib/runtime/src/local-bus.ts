import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Bus, Received, Subscription } from "./bus.ts";
import { NobodyServes, SendRefused } from "./bus.ts";
import { limited } from "./limited.ts";

/**
 * Carries the messages of a bus. It may call `arrive` now, later, more than once or never; the simulation does
 * all of that.
 */
export interface Transit {
  /** From a member to the bus, which then looks up who has subscribed. */
  toBus(sender: string, arrive: () => void): void;
  /** From the bus to a member. */
  toMember(receiver: string, arrive: () => void): void;
}

interface LocalBusOptions {
  /** The limit of one message in bytes. */
  readonly bytesMax: number;
  readonly transit?: Transit;
}

interface Subscriber {
  readonly member: string;
  readonly receive: (message: Received) => void;
  isOpen: boolean;
}

const NOTHING = new Uint8Array(0);
/** A member's messages leave after the turn of the event loop in which they were sent. */
const BY_TURNS: Transit = {
  toBus: (_, arrive) => {
    setImmediate(arrive);
  },
  toMember: (_, arrive) => {
    arrive();
  },
};

/** Connects components of one process. Each gets its own side of the bus from `join`. */
export class LocalBus {
  readonly #bytesMax: number;
  readonly #transit: Transit;
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  constructor({ bytesMax, transit = BY_TURNS }: LocalBusOptions) {
    this.#bytesMax = bytesMax;
    this.#transit = transit;
  }

  /**
   * `member` names the side to the transit; parts of one machine may share a name. `clock` measures how long
   * its requests wait.
   */
  join(member: string, clock: Pick<Clock, "sleep"> = systemClock): Bus {
    return {
      bytesMax: this.#bytesMax,
      request: async (subject, bytes, timeoutMs) =>
        limited(`an answer on ${subject}`, timeoutMs, this.#ask(member, subject, bytes), clock),
      publish: (subject, bytes) => {
        this.#check(bytes);
        this.#transit.toBus(member, () => {
          this.#spread(subject, bytes, () => undefined);
        });
      },
      subscribe: (subject, receive) => this.#subscribe(member, subject, receive),
      onReconnect: () => undefined, // A bus within a process is never lost.
    };
  }

  async #ask(member: string, subject: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.#check(bytes);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#transit.toBus(member, () => {
      const isServed = this.#spread(subject, bytes, (answer) => {
        this.#transit.toMember(member, () => {
          resolve(answer);
        });
      });
      if (!isServed) reject(new NobodyServes(subject));
    });
    return promise;
  }

  /** Sends a message to every subscriber. False if there is none. */
  #spread(subject: string, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): boolean {
    const subscribers = [...(this.#subscribers.get(subject) ?? [])];
    for (const subscriber of subscribers) {
      const { member, receive } = subscriber;
      const reply = (given: Uint8Array = NOTHING): void => {
        this.#check(given);
        this.#transit.toBus(member, () => {
          answer(given);
        });
      };
      this.#transit.toMember(member, () => {
        if (subscriber.isOpen) receive({ bytes, reply });
      });
    }
    return subscribers.length > 0;
  }

  #subscribe(member: string, subject: string, receive: (message: Received) => void): Subscription {
    const subscriber: Subscriber = { member, receive, isOpen: true };
    const subscribers = this.#subscribers.get(subject) ?? new Set();
    this.#subscribers.set(subject, subscribers.add(subscriber));
    const drain = (): void => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.#subscribers.get(subject) === subscribers)
        this.#subscribers.delete(subject);
    };
    return {
      drain,
      stop: () => {
        subscriber.isOpen = false;
        drain();
      },
    };
  }

  /** Throws SendRefused if the bytes are more than one message. */
  #check(bytes: Uint8Array): void {
    if (bytes.length <= this.#bytesMax) return;
    const message = `a message of ${bytes.length} bytes exceeds the limit of ${this.#bytesMax}`;
    throw new SendRefused(new ChatError("FRAME_TOO_LARGE", message));
  }
}

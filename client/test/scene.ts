import { ChatClient } from "../src/chat-client.ts";
import { openConnection } from "../src/open-connection.ts";
import type { ChatOptions, Notice } from "../src/types.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { ModelServer } from "./model-server.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What became of a promise by now. */
export interface Outcome {
  status: "pending" | "resolved" | "rejected";
  value: unknown;
}

export function watch(promise: Promise<unknown>): Outcome {
  const outcome: Outcome = { status: "pending", value: undefined };
  promise.then(
    (value: unknown) => Object.assign(outcome, { status: "resolved", value }),
    (value: unknown) => Object.assign(outcome, { status: "rejected", value }),
  );
  return outcome;
}

/** One device and a server, without time of their own. */
export class Scene {
  readonly clock = new VirtualClock();
  readonly server = new ModelServer(this.clock, new Dice(1));
  readonly network = new EventTarget();
  readonly notices: Notice[] = [];
  readonly client: ChatClient;

  constructor(options: Partial<Record<keyof ChatOptions, unknown>> = {}) {
    const given = {
      urls: ["ws://here/v1/ws"],
      device: "phone",
      token: async () => "good",
      random: () => 0.5,
      ...options,
    } as ChatOptions;
    this.client = new ChatClient(given, {
      clock: this.clock,
      network: this.network,
      open: async (opening) =>
        openConnection({
          ...opening,
          socketTo: (url) => this.server.socketTo(url, opening.encoding) as unknown as WebSocket,
        }),
    });
    void this.#read();
  }

  async #read(): Promise<void> {
    for await (const notice of this.client.events()) this.notices.push(notice);
  }

  /** As the application is told: state and, where there is one, why. */
  get states(): string[] {
    return this.notices.flatMap((notice) => {
      if (notice.t !== "state") return [];
      return [notice.error === undefined ? notice.state : `${notice.state} ${notice.error.code}`];
    });
  }

  get shown(): string[] {
    return this.notices.flatMap((notice) =>
      notice.t === "event"
        ? [`${notice.event.conversation} ${notice.event.seq} ${notice.event.kind} of ${notice.event.from}`]
        : [],
    );
  }

  async online(): Promise<this> {
    const connected = this.client.connect();
    await this.clock.pass(1_000);
    await connected;
    return this;
  }
}

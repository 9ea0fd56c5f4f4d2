import { setTimeout as sleep } from "node:timers/promises";
import { ChatClient } from "@jichat/client/chat-client.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { mint } from "../mint.ts";

export const READER = "alice";
export const CONVERSATIONS = 1_000;
/** Threads that an application of the SDK loads, and the lines of each. */
export const [THREADS, LINES] = [20, 500];
/** The messages of the one conversation that a page opens: as many as all those threads together. */
const LONG = THREADS * LINES;
/**
 * Those who write while it is measured. The first one has the long conversation, and writes every second
 * message.
 */
const WRITERS = 50;
/** An even number: the last message of a whole second is one of the long conversation. */
const PER_SECOND = 100;
/** The limits that a connector of such a cluster needs. */
export const LOAD_ENV = { connector: { MESSAGES_PER_SECOND: "10000", SOCKETS_PER_ADDRESS_MAX: "1000" } };

export const peerAt = (index: number): string => `p${index}`;

/** People who have written to `READER` for long, and go on. */
export class Load {
  readonly #stack: Stack;
  readonly #writers: ChatClient[] = [];
  #told = 0;

  private constructor(stack: Stack) {
    this.#stack = stack;
  }

  static async fill(stack: Stack): Promise<Load> {
    const load = new Load(stack);
    try {
      await load.#fill();
      return load;
    } catch (error) {
      load.close();
      throw error;
    }
  }

  /**
   * Sends `PER_SECOND` for so long, whatever the acks do. Resolves with what the last message of the long
   * conversation says, once all are stored.
   */
  async talk(ms: number): Promise<string> {
    const begun = performance.now();
    const count = (ms / 1_000) * PER_SECOND;
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < count; i += 1) {
      await sleep(Math.max(0, begun + (i * 1_000) / PER_SECOND - performance.now()));
      this.#told += 1;
      const at = i % 2 === 1 ? 0 : 1 + ((i / 2) % (WRITERS - 1));
      sent.push(this.#say(this.#writers[at], READER, `news ${this.#told}`));
    }
    await Promise.all(sent);
    return `news ${this.#told},`;
  }

  close(): void {
    for (const writer of this.#writers) writer.close();
  }

  async #fill(): Promise<void> {
    const reader = await this.#device(READER);
    try {
      const rest = Array.from({ length: CONVERSATIONS - WRITERS }, (_, i) => peerAt(WRITERS + i));
      await Promise.all(rest.map(async (peer) => this.#say(reader, peer, "a first word")));
    } finally {
      reader.close();
    }
    for (let at = 0; at < WRITERS; at += 1) {
      const writer = await this.#device(peerAt(at));
      this.#writers.push(writer);
      const count = at === 0 ? LONG : at < THREADS ? LINES : 1;
      await Promise.all(
        Array.from({ length: count }, async (_, i) => this.#say(writer, READER, `number ${i}`)),
      );
    }
  }

  async #device(user: string): Promise<ChatClient> {
    const { wsUrls, secrets } = this.#stack;
    const token = mint(secrets.signingKeyFile, { sub: user });
    const device = new ChatClient({
      urls: wsUrls,
      device: "writer",
      token: async () => token,
      outboxMax: LONG,
    });
    await device.connect();
    return device;
  }

  async #say(device: ChatClient | undefined, to: string, what: string): Promise<unknown> {
    return device?.send(
      { to },
      { text: `a message of the usual length, ${what}, which somebody reads once` },
    );
  }
}

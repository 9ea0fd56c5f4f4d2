import { setTimeout as sleep } from "node:timers/promises";
import { ChatError } from "@jichat/protocol/errors.ts";
import { patiently } from "../crowd.ts";
import type { Crowd, Device } from "../crowd.ts";
import { mint } from "../mint.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { Site } from "./site.ts";
import type { Waits } from "./waits.ts";

const READERS = 3;
const READ_EVERY_MS = 300;
const MEET_EVERY_MS = 1_000;
/** Longer than every fault: a request that takes longer was not answered. */
const PATIENCE_MS = 45_000;
/** The timeout of one REST request. The next one follows. */
const ANSWER_MS = 5_000;

/**
 * Does what a crowd that only talks never does: reads history over sockets and REST, and starts new
 * conversations.
 */
export class Bystanders {
  readonly #site: Site;
  readonly #crowd: Crowd;
  readonly #waits: Waits;
  readonly #dice: Dice;
  /** Requests that were never answered. */
  readonly failures: string[] = [];

  constructor(site: Site, crowd: Crowd, waits: Waits, dice: Dice) {
    this.#site = site;
    this.#crowd = crowd;
    this.#waits = waits;
    this.#dice = dice;
  }

  /** Runs until the signal aborts. Resolves once every request has its answer. */
  async walk(over: AbortSignal): Promise<void> {
    const readers = Array.from({ length: READERS }, async () =>
      this.#repeat(over, READ_EVERY_MS, async () =>
        this.#read((device, conversation) => device.client.pull(conversation, { limit: 50 })),
      ),
    );
    const rest = this.#repeat(over, READ_EVERY_MS, async () =>
      this.#read((device, conversation) => this.#ask(device, conversation)),
    );
    const meetings: Promise<void>[] = [];
    const meet = this.#repeat(over, MEET_EVERY_MS, async () => {
      meetings.push(this.#meet());
    });
    await Promise.all([...readers, rest, meet]);
    await Promise.all(meetings);
  }

  async #repeat(over: AbortSignal, everyMs: number, act: () => Promise<void>): Promise<void> {
    while (!over.aborted) {
      await act();
      await sleep(everyMs);
    }
  }

  async #read(ask: (device: Device, conversation: string) => Promise<unknown>): Promise<void> {
    const device = this.#dice.pick(this.#crowd.devices);
    if (device.heads.size === 0) return;
    const conversation = this.#dice.pick([...device.heads.keys()]);
    const since = this.#waits.now();
    try {
      await patiently(async () => ask(device, conversation), PATIENCE_MS);
      this.#waits.ended("pull", since);
    } catch (error) {
      this.failures.push(`a page of ${conversation} for ${device.user}/${device.name}: ${String(error)}`);
    }
  }

  async #ask({ user }: Device, conversation: string): Promise<void> {
    const token = mint(this.#site.stack.secrets.signingKeyFile, { sub: user });
    const url = `${this.#site.apiUrl}/v1/conversations/${conversation}/events?limit=50`;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) }).catch(
      (cause: unknown) => {
        throw new ChatError("UNAVAILABLE", "the api does not answer", { cause });
      },
    );
    const text = await answer.text();
    if (answer.status === 429 || answer.status >= 500) throw new ChatError("UNAVAILABLE", text);
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  }

  /** Two random people talk, so their conversation is a cold or a new one. */
  async #meet(): Promise<void> {
    const one = this.#dice.pick(this.#crowd.devices);
    const other = this.#dice.pick(this.#crowd.devices);
    if (one.user !== other.user) await one.send({ to: other.user }, { text: "have we met?" });
  }
}

import { CommandLane, isRetryableRefusal } from "@jichat/edge/command-lane.ts";
import type { Command } from "@jichat/conversation/command.ts";
import { decodeCommands } from "@jichat/conversation/command.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import { encodeAnswers, isRefused } from "@jichat/protocol/bus/command.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { gateFor } from "./gate-model.ts";
import type { Guards } from "./guards.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { Time } from "./world.ts";

const BUSY: Refused = { code: "BUSY", message: "no capacity", retryAfterMs: 200 };
const TOO_FAST: Refused = { code: "RATE_LIMITED", message: "too fast", retryAfterMs: 20 };
/** Two conversations share a partition; the third has its own. */
const CONVERSATIONS = ["g", "h", "i"] as const;
const PARTITIONS = 2;
const TROUBLE_MS = 25_000;
const END_MS = 90_000;
const SENDS = 80;
const COPIES = 40;
const LANE_MAX = 12;

interface Write {
  readonly id: string;
  readonly conversation: string;
  isSent: boolean;
  notBefore: number;
}

export interface Outcome {
  /** For each conversation: the sent and the accepted ids, each in order. */
  readonly orders: readonly { readonly sent: readonly string[]; readonly taken: readonly string[] }[];
  /** The number of writes without an answer at the end. */
  readonly waiting: number;
  /** The highest number of refusals of one send. */
  readonly refusals: number;
}

/**
 * One socket that writes to conversations of several partitions, over the product's gate and lanes. The
 * owners refuse, stay silent, or are away. Its device resends as docs/protocol.md says, and sometimes repeats
 * the writes in flight.
 */
export class SocketTalk {
  readonly #dice: Dice;
  readonly #time = new Time();
  readonly #gate: ReturnType<typeof gateFor>;
  readonly #lanes: readonly CommandLane[];
  readonly #wireMs: number;
  readonly #troubleUntil = this.#time.now + TROUBLE_MS;
  readonly #awayUntil = [0, 0];
  readonly #sent = new Map<string, string[]>(CONVERSATIONS.map((one) => [one, []]));
  readonly #taken = new Map<string, Set<string>>(CONVERSATIONS.map((one) => [one, new Set()]));
  readonly #refusals = new Map<string, number>();
  #writes: Write[] = [];
  #there: Promise<void> = Promise.resolve();
  #back: Promise<void> = Promise.resolve();

  constructor(seed: number, guards: Guards, wireMsMax: number) {
    this.#dice = new Dice(seed);
    this.#wireMs = this.#dice.between(0, wireMsMax);
    this.#gate = gateFor(guards);
    const clock: Clock = {
      now: () => this.#time.now,
      monotonic: () => this.#time.now,
      sleep: (ms) => this.#time.sleep(ms),
    };
    this.#lanes = Array.from(
      { length: PARTITIONS },
      (_, partition) =>
        new CommandLane({
          from: "c",
          clock,
          queueMax: LANE_MAX,
          schedule: (act) => {
            this.#time.after(0, act);
          },
          restMs: () => 0,
          ask: (bytes, timeoutMs) => this.#ask(partition, bytes, timeoutMs),
        }),
    );
  }

  async run(): Promise<Outcome> {
    const some = (): number => this.#dice.between(0, TROUBLE_MS - 1_000);
    for (let i = 0; i < SENDS; i += 1)
      this.#time.after(some(), () => {
        this.#say(`m${i}`, this.#dice.pick(CONVERSATIONS));
      });
    for (let i = 0; i < COPIES; i += 1)
      this.#time.after(some(), () => {
        for (const write of this.#writes) if (write.isSent && this.#dice.chance(0.6)) this.#transmit(write);
      });
    for (let i = 0; i < 3; i += 1)
      this.#time.after(this.#dice.between(0, 15_000), () => {
        const awayMs = this.#dice.between(500, 14_000);
        this.#awayUntil[this.#dice.chance(0.5) ? 0 : 1] = this.#time.now + awayMs;
      });
    await this.#time.run(END_MS, () => this.#time.now > this.#troubleUntil && this.#writes.length === 0);
    return {
      orders: CONVERSATIONS.map((one) => ({
        sent: this.#sent.get(one) ?? [],
        taken: [...(this.#taken.get(one) ?? [])],
      })),
      waiting: this.#writes.length,
      refusals: Math.max(0, ...this.#refusals.values()),
    };
  }

  #isTrouble(probability: number): boolean {
    return this.#dice.chance(probability) && this.#time.now < this.#troubleUntil;
  }

  #say(id: string, conversation: string): void {
    this.#sent.get(conversation)?.push(id);
    this.#writes.push({ id, conversation, isSent: false, notBefore: 0 });
    this.#pump();
  }

  #pump(): void {
    const held = new Set<string>();
    for (const write of this.#writes) {
      if (write.isSent) continue;
      if (write.notBefore > this.#time.now || held.has(write.conversation)) held.add(write.conversation);
      else {
        write.isSent = true;
        this.#transmit(write);
      }
    }
  }

  #transmit(write: Write): void {
    const way = this.#time.sleep(this.#wireMs);
    this.#there = this.#there.then(async () => {
      await way;
      void this.#arrives(write);
    });
  }

  async #arrives(write: Write): Promise<void> {
    const answer = await this.#answer(write);
    const way = this.#time.sleep(this.#wireMs);
    this.#back = this.#back.then(async () => {
      await way;
      this.#hears(write, answer);
    });
  }

  /** Answers like a connector, with limits that apply at random. */
  async #answer({ id, conversation }: Write): Promise<Exclude<Answer, "later">> {
    const place = this.#gate.place(conversation, id);
    const refuse = (refusal: Refused): Refused => {
      this.#gate.refused(conversation, id, { place, refusal, now: this.#time.now });
      return refusal;
    };
    if (this.#isTrouble(0.1)) return refuse(TOO_FAST);
    const shared = this.#gate.admit(conversation, id, place, this.#time.now);
    if (shared !== undefined) return shared;
    if (this.#isTrouble(0.05)) return refuse(TOO_FAST);
    const body = "{}" as BodyText;
    const command: Command = { op: "send", conversation, user: "u", device: "d", session: "s", id, body };
    const answer = await this.#lanes[conversation === "i" ? 1 : 0]?.submit(command, {
      isOpen: () => true,
      refused: (_, refusal) => refuse(refusal),
    });
    if (answer === undefined) throw new Error("no such lane");
    if (!isRetryableRefusal(answer)) this.#gate.settled(conversation, id, this.#time.now);
    return answer;
  }

  #hears(write: Write, answer: Answer): void {
    const from = this.#writes.indexOf(write);
    if (from < 0) return;
    if (answer === "later" || !isRefused(answer)) {
      this.#writes.splice(from, 1);
      return;
    }
    this.#refusals.set(write.id, (this.#refusals.get(write.id) ?? 0) + 1);
    const waitMs = answer.retryAfterMs ?? 0;
    for (const other of this.#writes.slice(from)) {
      if (other.conversation !== write.conversation) continue;
      other.isSent = false;
      other.notBefore = Math.max(other.notBefore, this.#time.now + waitMs);
    }
    this.#time.after(waitMs, () => {
      this.#pump();
    });
  }

  async #ask(partition: number, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    await this.#time.sleep(this.#dice.between(1, 60));
    if (this.#time.now < (this.#awayUntil[partition] ?? 0)) {
      await this.#time.sleep(timeoutMs);
      throw new Error("no answer");
    }
    const { commands } = decodeCommands(bytes);
    const held = new Map<string, Answer>();
    const answers = commands.map((command) => {
      const answer = held.get(command.conversation) ?? this.#decide(command);
      if (answer === "later" || isRefused(answer)) held.set(command.conversation, answer);
      return answer;
    });
    if (this.#isTrouble(0.1)) throw new Error("the answer was lost");
    await this.#time.sleep(this.#dice.between(1, 60));
    return encodeAnswers({ v: 1, position: 1, answers });
  }

  #decide(command: Command): Answer {
    if (this.#isTrouble(0.1)) return BUSY;
    if (this.#isTrouble(0.1)) return "later";
    if (command.op === "send") this.#taken.get(command.conversation)?.add(command.id);
    return { seq: 1, ts: 1 };
  }
}

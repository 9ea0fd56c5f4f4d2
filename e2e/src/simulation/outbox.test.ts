import assert from "node:assert/strict";
import { test } from "node:test";
import { SendGate } from "@jichat/edge/send-gate.ts";
import type { OutFrame } from "@jichat/client/outbox.ts";
import { Outbox } from "@jichat/client/outbox.ts";
import { Intake } from "@jichat/connector/intake.ts";
import type { Refused } from "@jichat/protocol/bus/command.ts";
import { errorOf } from "@jichat/protocol/bus/command.ts";
import { Dice } from "@jichat/protocol/dice.ts";

const LIMITS = { framesPerSecond: 20, bytesPerSecond: 1_000_000, heldBytesMax: 1_000_000 };
const BUSY: Refused = { code: "BUSY", message: "no capacity", retryAfterMs: 1_000 };
const TROUBLE_MS = 4_000;
const END_MS = 20_000;
const REFUSALS_MAX = 10;

/** Two conversations in one partition, one in another. */
const CONVERSATIONS = ["g", "h", "i"] as const;
const partitionOf = ({ conversation }: OutFrame): 0 | 1 => (conversation === "i" ? 1 : 0);

interface PendingWrite {
  readonly frame: OutFrame;
  readonly place: number;
  readonly at: number;
}

interface OnItsWay {
  readonly at: number;
  readonly act: () => void;
}

/** The SDK's outbox, a socket with the product's intake and gate, and two owners that are in trouble at first. */
class Talk {
  now = 0;
  /** What was taken, in this order. */
  readonly taken = new Set<string>();
  /** In the order in which they were taken, by their drafts. */
  readonly written: number[] = [];
  /** What was said again though it was on its way, or taken. */
  readonly copies: string[] = [];
  readonly refusals = new Map<string, number>();
  readonly #dice: Dice;
  readonly #gate = new SendGate();
  readonly #intake: Intake;
  readonly #wireMs: number;
  #ids = 0;
  readonly #ownersMs: readonly number[];
  readonly box: Outbox;
  #toServer: OnItsWay[] = [];
  #toClient: OnItsWay[] = [];
  readonly #lanes: [PendingWrite[], PendingWrite[]] = [[], []];

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    this.#wireMs = this.#dice.between(0, 60);
    this.#ownersMs = [this.#dice.between(1, 400), this.#dice.between(1, 400)];
    this.#intake = new Intake(LIMITS, { monotonic: () => this.now, ordinal: 0 }, "here");
    this.box = new Outbox({
      max: 1_000,
      transmit: (frame) => {
        const at = this.now + this.#wireMs;
        this.#toServer.push({
          at,
          act: () => {
            this.#arrives(frame);
          },
        });
        return true;
      },
      newId: () => {
        this.#ids += 1;
        return `m${this.#ids}`;
      },
      // It is pumped at every tick.
      clock: { monotonic: () => this.now, sleep: () => new Promise(() => undefined) },
    });
  }

  /** A millisecond goes by. */
  tick(): void {
    this.now += 1;
    for (const ways of [this.#toServer, this.#toClient])
      while (ways[0] !== undefined && ways[0].at <= this.now) ways.shift()?.act();
    for (const lane of this.#lanes)
      while (lane[0] !== undefined && lane[0].at <= this.now) this.#decide(lane, lane.shift());
    this.box.pump();
  }

  #isTrouble(probability: number): boolean {
    return this.#dice.chance(probability) && this.now < TROUBLE_MS;
  }

  #arrives(frame: OutFrame): void {
    const { conversation = "" } = frame;
    const isCopy =
      this.taken.has(frame.id) || this.#lanes.some((lane) => lane.some((one) => one.frame.id === frame.id));
    if (isCopy) this.copies.push(frame.id);
    const waitMs = this.#intake.admit(1);
    const isSend = frame.t === "send";
    const place = isSend ? this.#gate.place(conversation, frame.id) : 0;
    if (waitMs > 0)
      return this.#refuse(frame, place, { code: "RATE_LIMITED", message: "fast", retryAfterMs: waitMs });
    const shared = isSend ? this.#gate.admit(conversation, frame.id, place, this.now) : undefined;
    if (shared !== undefined) return this.#tell(frame.id, shared);
    if (this.#isTrouble(0.2)) return this.#refuse(frame, place, BUSY);
    const partition = partitionOf(frame);
    this.#lanes[partition].push({ frame, place, at: this.now + (this.#ownersMs[partition] ?? 0) });
  }

  #decide(lane: PendingWrite[], first: PendingWrite | undefined): void {
    assert.ok(first !== undefined);
    const { frame, place } = first;
    if (!this.#isTrouble(0.3)) {
      this.taken.add(frame.id);
      this.written.push(numberOf(frame));
      this.#gate.settled(frame.conversation ?? "", frame.id, this.now);
      const ack = { t: "ack", id: frame.id, conversation: "", seq: 1, ts: 1, traceId: "" } as const;
      this.#later(() => this.box.acked(ack));
      return;
    }
    this.#refuse(frame, place, BUSY);
    if (frame.t !== "send") return;
    for (const other of lane.splice(0))
      if (other.frame.t !== "send" || other.frame.conversation !== frame.conversation) lane.push(other);
      else this.#refuse(other.frame, other.place, BUSY);
  }

  #refuse(frame: OutFrame, place: number, refusal: Refused): void {
    if (frame.t === "send")
      this.#gate.refused(frame.conversation ?? "", frame.id, { place, refusal, now: this.now });
    this.#tell(frame.id, refusal);
  }

  #tell(id: string, refusal: Refused): void {
    this.refusals.set(id, (this.refusals.get(id) ?? 0) + 1);
    this.#later(() => this.box.refused(id, errorOf(refusal)));
  }

  #later(act: () => void): void {
    this.#toClient.push({ at: this.now + this.#wireMs, act });
  }
}

/** A draft carries its number to whoever takes it. */
const numberOf = (frame: object): number => ("number" in frame ? Number(frame.number) : Number.NaN);

test("the SDK's writes get through, sends of each conversation in their order, whatever they are refused for", async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const talk = new Talk(seed);
    const dice = new Dice(seed);
    const begins = Array.from({ length: 60 }, () => dice.between(0, TROUBLE_MS)).sort((a, b) => a - b);
    const frames = begins.map((_, i) => ({
      t: dice.chance(0.8) ? "send" : "edit",
      conversation: dice.pick(CONVERSATIONS),
      number: i,
    }));
    const results: Promise<unknown>[] = [];
    while (talk.box.size > 0 || results.length < frames.length) {
      talk.tick();
      assert.ok(talk.now < END_MS, `seed ${seed}: ${talk.box.size} wait`);
      const due = begins.filter((at) => at <= talk.now).length;
      for (const frame of frames.slice(results.length, due)) results.push(talk.box.put(frame));
    }
    await Promise.all(results);
    assert.deepEqual(talk.copies, [], `seed ${seed}`);
    for (const conversation of CONVERSATIONS) {
      const sends = frames.filter((frame) => frame.t === "send" && frame.conversation === conversation);
      const numbers = sends.map(({ number }) => number);
      assert.deepEqual(
        talk.written.filter((number) => numbers.includes(number)),
        numbers,
        `seed ${seed}`,
      );
    }
    const most = Math.max(...talk.refusals.values());
    assert.ok(most <= REFUSALS_MAX, `seed ${seed}: a write was refused ${most} times`);
  }
});

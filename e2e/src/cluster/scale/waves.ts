import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import type { Venue } from "../../crowd.ts";
import { Crowd } from "../../crowd.ts";
import { Diary } from "../../diary.ts";
import { Ledger } from "../../ledger.ts";
import { judgeCrowd } from "../../scene.ts";

/** 100 devices that send 25 messages in a second. A fifth of the people are in a group. */
const WAVE = { pairs: 25, groups: 1, groupSize: 10, rate: 0.25 } as const;
const DEVICES_PER_WAVE = 4 * WAVE.pairs;

interface Wave {
  readonly crowd: Crowd;
  readonly ledger: Ledger;
  readonly over: PromiseWithResolvers<void>;
  talking: Promise<void>;
}

/**
 * People who come and go in waves. Each wave talks among itself and has its own ledger, so that it can be
 * judged and go while the others talk on.
 */
export class Waves {
  readonly diary = new Diary();
  readonly #t: TestContext;
  readonly #venue: Venue;
  readonly #waves: Wave[] = [];

  constructor(t: TestContext, venue: Venue) {
    this.#t = t;
    this.#venue = venue;
  }

  get devices(): number {
    return this.#waves.length * DEVICES_PER_WAVE;
  }

  get perSecond(): number {
    return this.devices * WAVE.rate;
  }

  /** Devices that are connected, as they see it. */
  get online(): number {
    return this.#waves.reduce(
      (sum, { crowd }) => sum + crowd.devices.filter(({ client }) => client.state === "online").length,
      0,
    );
  }

  /** Another wave comes, and talks from then on. */
  async grow(): Promise<void> {
    const ledger = new Ledger();
    const names = `w${randomBytes(3).toString("hex")}-`;
    const crowd = new Crowd(this.#venue, ledger, { ...WAVE, names, diary: this.diary });
    const over = Promise.withResolvers<void>();
    const wave: Wave = { crowd, ledger, over, talking: Promise.resolve() };
    this.#waves.push(wave);
    await crowd.arrive();
    wave.talking = crowd.talkUntil(over.promise);
  }

  /** The latest wave falls silent, is judged, and goes. */
  async shrink(): Promise<void> {
    const wave = this.#waves.at(-1);
    if (wave === undefined) throw new Error("there is no wave that could go");
    await this.#judge(wave);
    wave.crowd.leave();
    this.#waves.pop();
  }

  /** All fall silent at once, and each wave is judged. */
  async end(): Promise<void> {
    for (const { over } of this.#waves) over.resolve();
    await Promise.all(this.#waves.map(async ({ talking }) => talking));
    for (const wave of this.#waves) await this.#judge(wave);
  }

  /** Whatever happened, nobody stays. */
  leave(): void {
    for (const { over, crowd } of this.#waves.splice(0)) {
      over.resolve();
      crowd.leave();
    }
  }

  async #judge({ crowd, ledger, over, talking }: Wave): Promise<void> {
    over.resolve();
    await talking;
    await judgeCrowd(this.#t, { crowd, ledger });
  }
}

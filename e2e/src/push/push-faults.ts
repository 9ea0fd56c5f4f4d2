import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import type { Fault } from "@jichat/testkit/push/fault-plan.ts";
import type { Gateway } from "./gateway.ts";
import type { Repeating } from "./judgement.ts";
import type { PushCrowd } from "./push-crowd.ts";

const READY_MS = 30_000;
/** Half-open connections are noticed before anything else happens: a report is lost with its connector. */
const DARK_MS = 12_000;
/** A lease, an ack wait and a loss of Redis are over within this time, and what waited has been sent. */
const AGAIN_MS = 30_000;
/** What a provider denied waits until it is up, and the next fault may keep it down. */
const DENIED_MS = 120_000;

interface Site {
  readonly stack: Stack;
  readonly gateway: Gateway;
  readonly crowd: PushCrowd;
}

const of = (parts: readonly (Part | undefined)[], name: string): Part => {
  const found = parts.find((part) => part?.spec.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

const PARTS = [
  "push-1",
  "push-2",
  "push-1",
  "router-1",
  "router-2",
  "connector-1",
  "connector-2",
  "nats",
  "redis",
  "redis",
] as const;

const DENIES: Fault = { is: "denied", status: 500 };
const REFUSES: Fault = { is: "answer", status: 400 };
const ANSWERS: Readonly<Record<string, Fault>> = {
  "is slow": { is: "slow", ms: 2_000 },
  resets: { is: "reset" },
  "answers 429": { is: "answer", status: 429, headers: { "retry-after": "1" } },
  "answers 500": { is: "answer", status: 500 },
  "answers what is not HTTP": { is: "garbled" },
  "ends its answers early": { is: "cut" },
  "takes what it denies": DENIES,
  "refuses all for good": REFUSES,
};

/** What may make pushes come again (ADR 0036). */
const REPEATS = /^(?:push|nats|redis)/;

/** All faults, one after the other, in an order that the dice choose. */
export class PushFaults {
  /** Faults after which pushes may come again. */
  readonly repeating: Repeating[] = [];
  /** Times in which a push may be refused for good. */
  readonly refusals: { readonly from: number; readonly to: number }[] = [];
  readonly #site: Site;
  readonly #dice: Dice;
  readonly #say: (what: string) => void;

  constructor(site: Site, dice: Dice, say: (what: string) => void) {
    this.#site = site;
    this.#dice = dice;
    this.#say = say;
  }

  /** With `only`, those of these names. Throws if there is no such fault. */
  async run(only?: readonly string[]): Promise<void> {
    const all = this.#inRandomOrder();
    const unknown = only?.find((name) => !all.some(([what]) => what === name));
    if (unknown !== undefined) throw new Error(`no such fault: ${unknown}`);
    await sleep(8_000);
    this.#say("half-open connections");
    this.#site.crowd.goDark();
    await sleep(DARK_MS);
    for (const [what, act] of all) {
      if (only?.includes(what) === false) continue;
      const ms = this.#dice.between(2_000, 5_000);
      this.#say(`${what}, for ${ms.toFixed(0)} ms`);
      await act(ms);
      await sleep(this.#dice.between(3_000, 6_000));
    }
  }

  #inRandomOrder(): readonly (readonly [what: string, act: (ms: number) => Promise<void>])[] {
    const { gateway, crowd } = this.#site;
    const kills = PARTS.map((name) => [`kill ${name}`, async (ms: number) => this.#kill(name, ms)] as const);
    const answers = Object.entries(ANSWERS).map(
      ([what, fault]) =>
        [
          `the provider ${what}`,
          async (ms: number) => {
            const from = Date.now();
            gateway.faults.always(fault);
            await sleep(2 * ms);
            gateway.faults.always(undefined);
            if (fault === DENIES) this.#mayRepeat(what, from, DENIED_MS);
            if (fault === REFUSES) this.refusals.push({ from, to: Date.now() + AGAIN_MS });
          },
        ] as const,
    );
    const down = async (ms: number): Promise<void> => {
      await gateway.down();
      await sleep(2 * ms);
      await gateway.up();
    };
    const gone = async (): Promise<void> =>
      crowd.beCalledGone((tokens) => {
        gateway.sayGone(tokens);
      });
    const left = [
      ...kills,
      ...answers,
      ["the provider is down", down] as const,
      ["the provider calls devices gone that are there", gone] as const,
    ];
    const found: typeof left = [];
    while (left.length > 0) found.push(...left.splice(this.#dice.int(0, left.length - 1), 1));
    return found;
  }

  async #kill(name: string, ms: number): Promise<void> {
    const { stack } = this.#site;
    const part = of([...stack.parts], name);
    const from = Date.now();
    await part.kill();
    await sleep(ms);
    part.start();
    await part.ready(READY_MS);
    if (REPEATS.test(name)) this.#mayRepeat(name, from, AGAIN_MS);
  }

  #mayRepeat(what: string, from: number, ms: number): void {
    this.repeating.push({ what, from, to: Date.now() + ms });
  }
}

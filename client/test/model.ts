import assert from "node:assert/strict";
import { ChatError } from "@jichat/protocol/errors.ts";
import { FRIENDS, ModelCalls } from "./model-calls.ts";
import { ModelFaults } from "./model-faults.ts";
import { ModelJudge } from "./model-judge.ts";
import type { MakeClient } from "./model-run.ts";
import { LIMITS, ModelRun } from "./model-run.ts";

const TALK_MS = 40_000;
const CALM_MS = 200_000;

/** Random calls and faults, then a calm in which everything must come to its end. */
class Model {
  readonly #run: ModelRun;
  readonly #calls: ModelCalls;
  readonly #faults: ModelFaults;
  readonly #judge: ModelJudge;

  constructor(seed: number, make?: MakeClient) {
    this.#run = new ModelRun(seed, make);
    this.#calls = new ModelCalls(this.#run);
    this.#faults = new ModelFaults(this.#run);
    this.#judge = new ModelJudge(this.#run);
  }

  /** Runs it all, and returns what was broken. */
  async run(): Promise<string[]> {
    const moments = Array.from({ length: this.#run.dice.int(10, 60) }, () =>
      this.#run.dice.between(0, TALK_MS),
    );
    for (const at of moments.sort((a, b) => a - b)) {
      await this.#run.clock.pass(at - this.#run.clock.at);
      await this.#act();
    }
    await this.#calm();
    await this.#leave();
    return this.#run.findings;
  }

  async #act(): Promise<void> {
    const dice = this.#run.dice;
    const acts: readonly (readonly [weight: number, act: () => void | Promise<void>])[] = [
      [10, () => this.#calls.sendSome(dice.int(1, 6))],
      [4, () => this.#calls.sendBad()],
      [2, () => this.#calls.sendLarge()],
      [4, () => this.#run.connect()],
      [3, () => this.#calls.ask()],
      [2, () => this.#calls.readBriefly()],
      [3, () => this.#calls.otherWrite()],
      [
        5,
        () => {
          this.#run.server.friendWrites(dice.pick(FRIENDS));
        },
      ],
      [
        5,
        () => {
          this.#run.server.disturb(dice.pick(["goaway", "gap", "cut", "close", "nonsense", "later"]));
        },
      ],
      [5, () => this.#faults.temper()],
      [
        2,
        () => {
          this.#run.server.limits = dice.pick(LIMITS);
        },
      ],
      [
        2,
        () => {
          this.#run.token = this.#faults.someToken();
        },
      ],
      [
        2,
        () => {
          this.#run.clock.aheadMs += dice.between(-1, 1) * 86_400_000;
        },
      ],
      [1, () => this.#faults.move()],
      [1, () => this.#run.startAgain()],
      [0.3, () => this.#run.close()],
    ];
    await dice.weighted(acts)();
  }

  /** All is well again: what is not closed comes back, and what was written is stored or refused. */
  async #calm(): Promise<void> {
    const { server } = this.#run;
    server.temper = "well";
    server.trouble = 0;
    server.latencyMs = () => this.#run.dice.between(1, 40);
    this.#run.token = async () => this.#run.goodToken();
    if (!this.#run.hasConnected) this.#run.connect();
    const { client } = this.#run;
    await this.#run.clock.pass(CALM_MS, () => client.state === "closed");
    server.friendWrites("bob");
    await this.#run.clock.pass(2_000);
    this.#judge.notices();
    this.#judge.storm();
    this.#run.findings.push(...server.violations);
    if (client.state === "closed") return;
    if (client.state !== "online") this.#run.blame(`is ${client.state} at last`);
    this.#judge.writes("pending");
    this.#judge.events();
  }

  /** And then it is closed: nothing is left of it. */
  async #leave(): Promise<void> {
    const { client, clock, server } = this.#run;
    this.#run.close();
    await clock.settle();
    if (clock.sleepers > 0) this.#run.blame(`${clock.sleepers} timers are left`);
    for (const { what, outcome, value } of this.#run.promises) {
      if (outcome === "pending") this.#run.blame(`${what} pends for good`);
      const isOurs = value instanceof ChatError || what === "reading";
      if (outcome === "rejected" && !isOurs) this.#run.blame(`${what} is rejected with ${String(value)}`);
    }
    this.#judge.writes("closed");
    const late = [
      this.#run.promise("connect behind the end", client.connect()),
      this.#run.promise("send behind the end", client.send({ to: "bob" }, {})),
      this.#run.promise("pull behind the end", client.pull("d_bob")),
      this.#run.promise("a feed behind the end", this.#drain()),
    ];
    await clock.settle();
    for (const { what, outcome } of late) if (outcome === "pending") this.#run.blame(`${what} pends`);
    await clock.pass(60_000);
    if ([...server.sockets].some(({ isLive }) => isLive)) this.#run.blame("a socket is left open");
    if (clock.sleepers > 0) this.#run.blame("something is waited for behind the end");
  }

  async #drain(): Promise<void> {
    const feed = this.#run.client.events();
    while ((await feed.next()).done !== true);
  }
}

/** Runs one seed; throws with all that is needed to replay it. */
export async function runModel(seed: number, make?: MakeClient): Promise<void> {
  const unhandled: string[] = [];
  const onUnhandled = (error: unknown): number => unhandled.push(`unhandled: ${String(error)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    const faults = await new Model(seed, make).run();
    assert.deepEqual(
      [...faults, ...unhandled].slice(0, 5),
      [],
      `seed ${seed} breaks; replay it with CLIENT_SEED=${seed}`,
    );
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}

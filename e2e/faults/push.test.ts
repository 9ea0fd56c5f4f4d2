import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Dice } from "@jichat/protocol/dice.ts";
import { keepLogs } from "../src/faults/keep-logs.ts";
import { Gateway } from "../src/push/gateway.ts";
import type { Account, DeadLetter, Repeats } from "../src/push/judgement.ts";
import { coverageOf, pushedThoughThere, pushedThoughRead, repeatedTooOften } from "../src/push/judgement.ts";
import { deadLettersOf } from "../src/push/dead-letters.ts";
import { PushCrowd, SECRET } from "../src/push/push-crowd.ts";
import { PushFaults } from "../src/push/push-faults.ts";
import { credentialsFor } from "../src/push/push-scene.ts";
import { linesWith, signingSecrets } from "../src/push/secrets.ts";
import { untilPushed } from "../src/push/until-pushed.ts";
import { startStack } from "../src/scene.ts";

/** `FAULTS_SEEDS=1,2,3`; for a short run `PUSH_MESSAGES=1000`, and `PUSH_FAULTS="kill nats,kill push-1"`. */
const { FAULTS_SEEDS = "1", PUSH_MESSAGES = "10000", PUSH_FAULTS } = process.env;
const BEAT_MS = 1_500;
const IN_FLIGHT_MAX = 100;
const LOOK_MS = 200;
/**
 * What a killed worker had taken is delivered again behind newer messages. It counts as told by a later one of
 * its conversation (ADR 0036): the device shows one notification for each. So many may be for each kill.
 */
const LATER_MAX = 5;
/** A circuit is open for a minute at most, and folded pushes wait for seconds. */
const SETTLED_WITHIN_MS = 180_000;
/** By then routers and connectors have told the queue of what was. */
const TOLD_MS = 6_000;
/** In the first round, workers write new entries: one for each conversation of a device that was lost. */
const ROUNDS = 2;

/** Notices when ids come again. */
function watchRepeats(gateway: Gateway): { readonly samples: Repeats[]; readonly stop: () => void } {
  const samples: Repeats[] = [];
  const timer = setInterval(() => {
    samples.push({ at: Date.now(), total: gateway.repeats });
  }, LOOK_MS);
  return {
    samples,
    stop: () => {
      clearInterval(timer);
      samples.push({ at: Date.now(), total: gateway.repeats });
    },
  };
}

for (const seed of FAULTS_SEEDS.split(",").map(Number))
  test(
    `${PUSH_MESSAGES} messages under faults: who is away hears of each, seed ${seed}`,
    { timeout: 900_000 },
    async (t) => {
      const dice = new Dice(seed);
      const gateway = await Gateway.start();
      const { folder, remove } = credentialsFor(gateway);
      t.after(async () => {
        await gateway.stop();
        remove();
      });
      const stack = await startStack(t, {
        routers: 2,
        connectors: 2,
        push: { workers: 2, folder },
        env: {
          "*": { PUSH_IN_FLIGHT_MAX: String(IN_FLIGHT_MAX) },
          push: { LOG_LEVEL: "debug" },
          connector: { HEARTBEAT_MS: String(BEAT_MS), MESSAGES_PER_SECOND: "1000" },
          api: { REQUESTS_PER_SECOND: "1000" },
        },
      });
      const crowd = await PushCrowd.arrive(stack, dice);
      t.after(() => {
        crowd.leave();
      });
      const repeats = watchRepeats(gateway);
      const began = Date.now();
      const faults = new PushFaults({ stack, gateway, crowd }, new Dice(seed + 1), (what) => {
        t.diagnostic(`${((Date.now() - began) / 1_000).toFixed(0)} s: ${what}`);
      });
      const acting = faults.run(PUSH_FAULTS?.split(",").map((name) => name.trim()));
      await crowd.talk(Number(PUSH_MESSAGES), acting);
      await acting;
      await untilAllPushed(stack.natsUrl).finally(() => {
        keepLogs(stack.parts, `push-${seed}`);
      });
      repeats.stop();

      const account = await accountOf(crowd, gateway, stack.natsUrl);
      const { own, folded, buried, later, untold } = coverageOf(account);
      const read = pushedThoughRead(account);
      const there = pushedThoughThere(account);
      const total = repeats.samples.at(-1)?.total ?? 0;
      const { messages, pushes, deadLetters, reads } = account;
      t.diagnostic(`${messages.length} messages, ${pushes.length} pushes, ${reads.length} reads`);
      t.diagnostic(
        `of what devices missed: ${own} were pushed, ${folded} folded, ${buried} in dead letters, ${later.length} ` +
          "only behind a later one",
      );
      t.diagnostic(
        `${untold.length} not told, ${read.length} pushed though read, ${there.length} to whoever was there`,
      );
      t.diagnostic(`${total} ids came again after ${faults.repeating.length} faults that allow it`);
      assert.ok(own > 0 && folded > 0);
      assert.ok(
        later.length <= LATER_MAX * faults.repeating.length,
        `${later.length} were only behind a later one: ${later.slice(0, 12).join("; ")}`,
      );
      assert.deepEqual(untold.slice(0, 12), [], `${untold.length} were not told`);
      assert.deepEqual(read.slice(0, 12), [], `${read.length} were pushed though read`);
      assert.deepEqual(there.slice(0, 12), [], `${there.length} were pushed to somebody who was there`);
      assert.deepEqual(repeatedTooOften(repeats.samples, faults.repeating, IN_FLIGHT_MAX), []);
      const isAllowed = ({ at, reason }: DeadLetter): boolean =>
        /400/.test(reason) && faults.refusals.some(({ from, to }) => from <= at && at <= to);
      assert.deepEqual(
        deadLetters.filter((letter) => !isAllowed(letter)),
        [],
        "nothing else is refused for good",
      );
      assert.equal(gateway.refused, 0);
      const secrets = [SECRET, ...signingSecrets(folder)];
      assert.deepEqual(linesWith(secrets, stack.parts), [], "no log has a text, a token or a key");
    },
  );

async function untilAllPushed(natsUrl: string): Promise<void> {
  const nats = await connect({ servers: natsUrl });
  try {
    const jsm = await jetstreamManager(nats);
    for (let round = 0; round < ROUNDS; round += 1) {
      await sleep(TOLD_MS);
      await untilPushed(jsm, SETTLED_WITHIN_MS);
    }
    await sleep(LOOK_MS);
  } finally {
    await nats.close();
  }
}

async function accountOf(
  { messages, reads, people }: PushCrowd,
  gateway: Gateway,
  natsUrl: string,
): Promise<Account> {
  const nats = await connect({ servers: natsUrl });
  const deadLetters = await deadLettersOf(await jetstreamManager(nats));
  await nats.close();
  const pushes = gateway.told.flatMap(({ type, timestamp, data }) =>
    type !== "push.notification"
      ? []
      : [
          {
            user: String(data["user"]),
            device: String(data["device"]),
            conversation: String(data["conversation"]),
            seq: Number(data["seq"]),
            count: Number(data["count"]),
            at: Date.parse(timestamp),
          },
        ],
  );
  return { messages, reads, people, pushes, deadLetters };
}

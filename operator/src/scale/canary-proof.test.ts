import assert from "node:assert/strict";
import { test } from "node:test";
import type { Told } from "../talk/talk.ts";
import type { Proof, Round } from "./canary-proof.ts";
import { ROUNDS, UNPROVEN, proofAfter } from "./canary-proof.ts";

const OK: Told = { outcome: "ok", why: "", ms: 200, nextPartition: 0, delayMs: 5 };
const BAD: Told = { ...OK, outcome: "receive", why: "nothing was received within 10 s" };
const WRONG: Told = {
  ...OK,
  outcome: "resume",
  why: "2 of 10 messages are not in the history",
  isWrong: true,
};

const pair = (sends: Told, receives: Told = OK, serving: Told = OK): Round => ({
  serving,
  pair: { sends, receives },
  alone: undefined,
});
const alone = (told: Told): Round => ({ serving: BAD, pair: undefined, alone: told });
const GOOD = pair(OK);

const after = (...rounds: readonly Round[]): Proof => rounds.reduce(proofAfter, UNPROVEN);
const delayed = (delayMs: number, ms = 200): Told => ({ ...OK, delayMs, ms });

/** What rounds come to, and a word of what is said. */
const CASES: readonly (readonly [string, readonly Round[], Proof["state"], RegExp])[] = [
  ["nothing was said yet", [], "proving", /has not talked yet/],
  ["two rounds are too few", [GOOD, GOOD], "proving", /2 of 3 rounds/],
  ["three rounds", [GOOD, GOOD, GOOD], "proven", /both ways/],
  ["one failure is not the end", [pair(BAD)], "proving", /from the canary to.*receive fails: nothing/],
  ["after a failure it begins anew", [GOOD, pair(BAD), GOOD, GOOD], "proving", /2 of 3/],
  ["one failure, then all is well", [pair(BAD), GOOD, GOOD, GOOD], "proven", /both ways/],
  ["two failures", [pair(BAD), pair(BAD)], "failed", /receive fails/],
  ["two failures, with good rounds in between", [pair(BAD), GOOD, GOOD, pair(BAD)], "failed", /receive/],
  [
    "the other way fails",
    [pair(OK, BAD), pair(OK, BAD)],
    "failed",
    /from a connector that serves to the canary/,
  ],
  ["a lost message is never excused", [pair(WRONG)], "failed", /2 of 10 messages/],
  ["as slow as is allowed", Array(ROUNDS).fill(pair(delayed(250), delayed(250))), "proven", /both/],
  ["slower", Array(4).fill(pair(delayed(251))), "failed", /slow.*a message takes 0\.3 s, and 0\.0 s/],
  ["slow for a moment", Array(3).fill(pair(delayed(900))), "proving", /slow/],
  ["slow now and then", [1, 2, 3].flatMap(() => [pair(delayed(900)), GOOD]), "proving", /1 of 3/],
  ["slow once", [pair(delayed(900)), GOOD, GOOD, GOOD], "proven", /both/],
  [
    "as slow as those that serve are",
    Array(ROUNDS).fill(pair(delayed(1_200), delayed(1_200), delayed(400))),
    "proven",
    /both/,
  ],
  [
    "slower than slow ones",
    Array(4).fill(pair(OK, delayed(1_201), delayed(400))),
    "failed",
    /to the canary, a message takes 1\.2 s, and 0\.4 s/,
  ],
  ["a talk that takes long", Array(4).fill(pair(delayed(5, 3_001))), "failed", /a talk takes 3\.0 s/],
  ["one that takes as long as is allowed", Array(ROUNDS).fill(pair(delayed(5, 3_000))), "proven", /both/],
  ["those that serve cannot talk, once", [alone(OK)], "proving", /that serve cannot talk either/],
  ["nor can the canary", Array(20).fill(alone(BAD)), "proving", /receive fails on it.*cannot talk either/],
  ["it can, alone", Array(ROUNDS + 1).fill(alone(OK)), "proven", /connectors that serve cannot talk/],
  ["alone for too short a time", Array(ROUNDS).fill(alone(OK)), "proving", /cannot talk/],
  ["alone it loses messages", [alone(WRONG)], "failed", /2 of 10 messages/],
  [
    "what it did alone does not count beside others",
    [...Array(3).fill(alone(OK)), GOOD],
    "proving",
    /1 of 3/,
  ],
  ["an outage of others does not excuse it", [pair(BAD), alone(BAD), pair(BAD)], "failed", /receive/],
];

for (const [name, rounds, state, says] of CASES)
  test(`a canary's proof: ${name}`, () => {
    const proof = after(...rounds);
    assert.equal(proof.state, state, proof.message);
    assert.match(proof.message, says);
  });

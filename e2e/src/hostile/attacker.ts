import { Dice } from "@jichat/protocol/dice.ts";
import { attackFrames } from "./frame-attack.ts";
import { flood, hold, storm } from "./floods.ts";
import { readLines } from "./lines.ts";
import { attackRest, operationsOf } from "./rest-attack.ts";
import type { Target } from "./wire.ts";

/**
 * A process that attacks a cluster from its own addresses until its time is over, then prints what it did as
 * JSON. Arguments: WebSocket URL, api URL, milliseconds, seed. The tokens come on standard input, one per
 * line.
 */
const [ws = "", api = "", ms = "0", seed = "1"] = process.argv.slice(2);

const tokens = await readLines(process.stdin);
const end = performance.now() + Number(ms);
const isOver = (): boolean => performance.now() > end;
const target = (url: string, from: string): Target => ({ url: new URL(url), from });
const dice = (more: number): Dice => new Dice(Number(seed) * 10 + more);
const operations = await operationsOf(api);

const [frames, rest, stranger, known, edgeHolds, apiHolds, storms] = await Promise.all([
  attackFrames(target(ws, "127.0.0.2"), tokens, dice(1), isOver),
  attackRest(target(api, "127.0.0.3"), { operations, tokens, dice: dice(2), isOver }),
  flood(target(ws, "127.0.0.4"), undefined, 10_000, isOver),
  flood(target(ws, "127.0.0.4"), tokens[0], 10_000, isOver),
  hold(target(ws, "127.0.0.5"), 500, isOver),
  hold(target(api, "127.0.0.6"), 500, isOver),
  storm(target(ws, "127.0.0.7"), tokens[1] ?? "", isOver),
]);
const report = {
  frames,
  requests: rest.made,
  wrong: rest.wrong,
  flooded: stranger + known,
  held: edgeHolds + apiHolds,
  storms,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);

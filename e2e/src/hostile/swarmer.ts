import { readLines } from "./lines.ts";
import { SAYINGS, swarm } from "./swarm.ts";

/**
 * A process that stands for one address. It sends what one entry of `SAYINGS` says until its time is over,
 * then prints what it did as JSON. Arguments: WebSocket URL, address, the entry's name, frames per second in
 * all, milliseconds. The tokens come on standard input, one per line.
 */
const [ws = "", from = "", name = "", perSecond = "0", ms = "0"] = process.argv.slice(2);
const saying = SAYINGS[name];
if (saying === undefined) throw new Error(`nothing is called ${name}`);
const tokens = await readLines(process.stdin);
const end = performance.now() + Number(ms);
const target = { url: new URL(ws), from };
const said = await swarm(target, {
  saying,
  tokens,
  perSecond: Number(perSecond),
  isOver: () => performance.now() > end,
});
process.stdout.write(`${JSON.stringify(said)}\n`);
process.exit(0);

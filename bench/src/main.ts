import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Figure, Row } from "./figure.ts";
import { count } from "./figure.ts";
import { browser } from "./figures/browser.ts";
import { durability } from "./figures/durability.ts";
import { connects, echo, group, idle } from "./figures/edge.ts";
import { encodings } from "./figures/encodings.ts";
import { growth } from "./figures/growth.ts";
import { history } from "./figures/history.ts";
import { lists } from "./figures/lists.ts";
import { messages, oneCore } from "./figures/messages.ts";
import { moves } from "./figures/moves.ts";
import { push } from "./figures/push.ts";
import { pushPath } from "./figures/push-path.ts";
import { pushQueue } from "./figures/push-queue.ts";
import { resume } from "./figures/resume.ts";
import { takeover } from "./figures/takeover.ts";
import { tracing } from "./figures/tracing.ts";
import { soak } from "./figures/soak.ts";
import { PARTITIONS } from "./lab.ts";
import type { Limit } from "./limits.ts";
import { measureLimits } from "./limits.ts";
import { pictureOf } from "./picture.ts";

const FIGURES: readonly Figure[] = [
  echo,
  messages,
  oneCore,
  connects,
  group,
  idle,
  resume,
  lists,
  durability,
  tracing,
  growth,
  history,
  push,
  pushPath,
  encodings,
  takeover,
  moves,
  browser,
];

/** Figures that take longer than all others together: they run only when named. */
const LONG: readonly Figure[] = [pushQueue, soak];

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** All figures except the long ones, or those that `ONLY` names, separated by commas. */
function chosen(only: string): readonly Figure[] {
  const names = only.split(",").filter((name) => name !== "");
  const all = [...FIGURES, ...LONG];
  const unknown = names.filter((name) => all.every((figure) => figure.name !== name));
  if (unknown.length > 0)
    throw new Error(
      `ONLY: there is no ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`,
    );
  return names.length === 0 ? FIGURES : all.filter(({ name }) => names.includes(name));
}

const limitLine = ({ what, perSecond, unit }: Limit): string => `${what}: ${count(perSecond)} ${unit}/s`;

const markdown = (limits: readonly Limit[], rows: readonly Row[]): string =>
  [
    ...limits.map((limit) => `- ${limitLine(limit)}`),
    "",
    "| what | must reach | measured | | beside it |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(
      ({ what, target, measured, share, beside }) =>
        `| ${what} | ${target} | ${measured} | ${share >= 1 ? "reached" : `${(100 * share).toFixed(0)} % of it`} | ${beside} |`,
    ),
    "",
  ].join("\n");

const figures = chosen(process.env["ONLY"] ?? "");
const out = join(ROOT, ".data/bench");
mkdirSync(out, { recursive: true });
const started = new Date();
const rows: Row[] = [];
say(
  `${cpus().length} CPUs for everything, the generator too; ${PARTITIONS} partitions; Node ${process.version}, Linux ${release()}`,
);
/** Keeps the other figures, but marks the whole run as failed. */
const failed = (error: unknown): readonly never[] => {
  say(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
  return [];
};
say("\n[0] raw limits of this machine, as it is now");
const limits = await measureLimits().catch(failed);
for (const limit of limits) say(`  ${limitLine(limit)}`);
for (const [at, figure] of figures.entries()) {
  say(`\n[${at + 1}/${figures.length}] ${figure.name}: ${figure.what}`);
  const begun = performance.now();
  const made = await figure.measure(say).catch(failed);
  for (const { what, target, measured, share, beside } of made)
    say(`  ${share >= 1 ? "reached " : "not     "} ${what}: ${measured} (${target}); ${beside}`);
  say(`  ${((performance.now() - begun) / 1_000).toFixed(0)} s`);
  rows.push(...made);
}
const name = started.toISOString().replaceAll(":", "-").slice(0, 19);
const file = (ending: string): string => join(out, `${name}.${ending}`);
const about = {
  at: started.toISOString(),
  cpus: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
};
writeFileSync(file("json"), JSON.stringify({ ...about, limits, rows }, undefined, 2));
writeFileSync(file("md"), markdown(limits, rows));
writeFileSync(file("svg"), pictureOf(rows));
say(`\nwritten to ${file("{json,md,svg}")}`);
process.exit();

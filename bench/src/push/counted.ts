import type { Part } from "@jichat/testkit/local/part.ts";

/** What push workers have counted, over all of them. */
export interface Counted {
  readonly entries: number;
  readonly sent: number;
  readonly folded: number;
  readonly skipped: Readonly<Record<string, number>>;
  /** Refused for good, deferred, or tried again: not one of these is expected before a local gateway. */
  readonly troubled: number;
}

/** Attempts that did not send. The same push may count more than once. */
const TROUBLES = ["gone", "refused", "retry", "down"];

async function seriesOf({ spec }: Part): Promise<readonly (readonly [labelled: string, value: number])[]> {
  const text = await (await fetch(`http://127.0.0.1:${spec.adminPort ?? 0}/metrics`)).text();
  return [...text.matchAll(/^(jichat_\w+)(\{[^}]*\})? (\S+)/gm)].map(([, name = "", labels = "", value]) => [
    `${name.replace(/_total$/, "")}${labels}`,
    Number(value),
  ]);
}

/** The sum of a counter's series that have each of these words in their labels. */
const sumOf = (
  series: readonly (readonly [labelled: string, value: number])[],
  name: string,
  ...labels: readonly string[]
): number =>
  series
    .filter(
      ([labelled]) =>
        labelled.replace(/\{.*/, "") === name && labels.every((label) => labelled.includes(label)),
    )
    .reduce((sum, [, value]) => sum + value, 0);

export async function countedBy(workers: readonly Part[]): Promise<Counted> {
  const series = (await Promise.all(workers.map(seriesOf))).flat();
  const reasons = new Set(
    series.flatMap(([labelled]) => /^jichat_push_skipped\{.*reason="(\w+)"/.exec(labelled)?.[1] ?? []),
  );
  const skipped = [...reasons].map(
    (reason) => [reason, sumOf(series, "jichat_push_skipped", `reason="${reason}"`)] as const,
  );
  return {
    entries: sumOf(series, "jichat_push_entries", 'is="message"'),
    sent: sumOf(series, "jichat_push_sent", 'outcome="sent"'),
    folded: sumOf(series, "jichat_push_folded"),
    skipped: Object.fromEntries(skipped),
    troubled: TROUBLES.reduce(
      (sum, outcome) => sum + sumOf(series, "jichat_push_sent", `outcome="${outcome}"`),
      0,
    ),
  };
}

/** Messages that routers have put into the push queue. */
export const queuedBy = async (routers: readonly Part[]): Promise<number> =>
  sumOf((await Promise.all(routers.map(seriesOf))).flat(), "jichat_router_push", 'outcome="queued"');

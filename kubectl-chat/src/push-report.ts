/** One series of a metric in Prometheus' text format. */
interface Series {
  readonly labels: string;
  readonly value: number;
}

/** All series of a metric that are known: NaN is left out, since it says that the value is not known. */
function seriesOf(metrics: string | undefined, name: string): readonly Series[] {
  const pattern = new RegExp(`^${name}(?:\\{([^}]*)\\})? ([0-9.e+-]+)$`, "gm");
  return [...(metrics ?? "").matchAll(pattern)].map(([, labels = "", value]) => ({
    labels,
    value: Number(value),
  }));
}

/** The sum of a metric over pods; undefined if a pod does not report it. */
function sumOver(pods: readonly (string | undefined)[], name: string): number | undefined {
  const all = pods.map((metrics) => seriesOf(metrics, name));
  if (pods.length === 0 || all.some((series) => series.length === 0)) return undefined;
  return all.flat().reduce((sum, { value }) => sum + value, 0);
}

const shown = (value: number | undefined): string => (value === undefined ? "?" : String(value));

/** The work of one push worker. */
export function pushWorkOf(metrics: string | undefined): string {
  const of = (name: string): string => shown(sumOver([metrics], name));
  return `${of("jichat_push_partitions")} partitions; ${of("jichat_push_queued")} queued, ${of("jichat_push_in_flight")} in flight`;
}

/** The values of the label `provider` for which a pod has an open circuit. */
function openProviders(pods: readonly (string | undefined)[]): readonly string[] {
  const open = pods
    .flatMap((metrics) => seriesOf(metrics, "jichat_push_circuits_open"))
    .filter(({ value }) => value > 0)
    .map(({ labels }) => /\bprovider="([^"]*)"/.exec(labels)?.[1] ?? "?");
  return [...new Set(open)].sort();
}

/** What all push workers together have to do, and what keeps them from it. Empty if there are none. */
export function pushLines(pods: readonly (string | undefined)[]): readonly string[] {
  if (pods.length === 0) return [];
  const queued = shown(sumOver(pods, "jichat_push_queued"));
  // Each worker reports the number for the whole cluster.
  const later = pods.flatMap((metrics) => seriesOf(metrics, "jichat_push_later").map(({ value }) => value));
  const dead = shown(sumOver(pods, "jichat_push_dead_total"));
  const open = openProviders(pods);
  return [
    `Push: ${queued} messages queued; ${shown(later.length === 0 ? undefined : Math.max(...later))} notifications wait for their provider; ${dead} dead letters since these workers started`,
    ...(open.length === 0
      ? []
      : [`Providers that are not asked now, since they failed (circuit open): ${open.join(", ")}`]),
  ];
}

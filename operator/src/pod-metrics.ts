import { askAll, said } from "./admin-port.ts";
import { PORTS } from "./desired/names.ts";
import { originOf } from "./desired/urls.ts";
import type { Observed } from "./observed.ts";
import type { PodObject } from "./pod-object.ts";

type Labels = Readonly<Record<string, string>>;

const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

const labelsIn = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [name, value]));

/** What one pod answered at `/metrics`, a moment ago. */
export class Metrics {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * The sum over all readings of a metric that have these labels. `name` is the one of the text: a counter's
   * ends in `_total`. Undefined if there is no reading, or if one is NaN: then it is not known.
   */
  sum(name: string, labels: Labels = {}): number | undefined {
    const wanted = Object.entries(labels);
    const values: number[] = [];
    for (const [, told = "", value] of this.#text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)`, "gm"))) {
      const has = wanted.length === 0 ? undefined : labelsIn(told);
      if (wanted.every(([label, of]) => has?.get(label) === of)) values.push(Number(value));
    }
    const sum = values.reduce((total, value) => total + value, 0);
    return values.length === 0 || Number.isNaN(sum) ? undefined : sum;
  }
}

/** What pods told, by name. One that did not answer is missing. */
export type PodMetrics = ReadonlyMap<string, Metrics>;

/** Where a pod's admin port is; undefined before it has an address. */
export type OriginOf = (pod: PodObject) => string | undefined;

export const originOfPod: OriginOf = ({ status }) =>
  status?.phase === "Running" && status.podIP !== undefined
    ? originOf("http", status.podIP, PORTS.admin)
    : undefined;

/** Asks each running connector, router and storage once. What a pass decides about them rests on this. */
export async function askMetrics(observed: Observed, originFor: OriginOf): Promise<PodMetrics> {
  const pods = ["connector", "router", "storage"].flatMap((component) =>
    observed.ofKind<PodObject>("Pod", component),
  );
  const answers = await askAll(pods, async (pod) => {
    const origin = originFor(pod);
    return origin === undefined ? undefined : said(`${origin}/metrics`);
  });
  return new Map(
    pods.flatMap(({ metadata: { name } }, at) => {
      const text = answers[at];
      return text === undefined ? [] : [[name, new Metrics(text)] as const];
    }),
  );
}

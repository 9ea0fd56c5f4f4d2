/** These files run in every `make test`. All others run nightly, or when they are named. */
const DAILY = /^[12]-/;
/** The files of this folder need more than one node. */
const SPREAD = "/scale/";
const NODES_SPREAD = 3;

export interface Asked {
  /** Parts of paths, separated by commas (`ONLY=`). Empty means that none are named. */
  readonly only: string;
  /** Whether this is the nightly run (`NIGHTLY=1`), in which all files run. */
  readonly isNight: boolean;
}

/** Files that run on one cluster. */
export interface Round {
  readonly nodes: number;
  readonly files: readonly string[];
}

const nameOf = (path: string): string => path.split("/").at(-1) ?? path;

/** The scenario files to run, sorted by name. */
export function filesToRun(all: readonly string[], { only, isNight }: Asked): readonly string[] {
  const named = only.split(",").filter((part) => part !== "");
  const isAsked = (path: string): boolean =>
    named.length === 0 ? isNight || DAILY.test(nameOf(path)) : named.some((part) => path.includes(part));
  return all.filter(isAsked).toSorted();
}

/** The files by the cluster that they need, which has at least `nodes` nodes: one cluster after the other. */
export function roundsOf(files: readonly string[], nodes: number): readonly Round[] {
  const isSpread = (path: string): boolean => path.includes(SPREAD);
  const alone = files.filter((path) => !isSpread(path));
  const spread = files.filter(isSpread);
  const rounds = [
    { nodes, files: alone },
    { nodes: Math.max(nodes, NODES_SPREAD), files: spread },
  ].filter((round) => round.files.length > 0);
  const [first] = rounds;
  return first !== undefined && rounds.every((round) => round.nodes === first.nodes)
    ? [{ nodes: first.nodes, files }]
    : rounds;
}

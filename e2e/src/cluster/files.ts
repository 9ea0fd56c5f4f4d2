/** These files run in every `make test`. All others run nightly, or when they are named. */
const DAILY = /^[12]-/;

export interface Asked {
  /** Parts of file names, separated by commas (`ONLY=`). Empty means that none are named. */
  readonly only: string;
  /** Whether this is the nightly run (`NIGHTLY=1`), in which all files run. */
  readonly isNight: boolean;
}

const nameOf = (path: string): string => path.split("/").at(-1) ?? path;

/** The scenario files to run, sorted by name. */
export function filesToRun(all: readonly string[], { only, isNight }: Asked): readonly string[] {
  const named = only.split(",").filter((part) => part !== "");
  const isAsked = (path: string): boolean =>
    named.length === 0
      ? isNight || DAILY.test(nameOf(path))
      : named.some((part) => nameOf(path).includes(part));
  return all.filter(isAsked).toSorted();
}

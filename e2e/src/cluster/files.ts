/** These files run in every `make test`; any other is for the night, or for whoever names it. */
const DAILY = /^[12]-/;

export interface Asked {
  /** What a file must have one of in its name, with commas between (`ONLY=`); empty: nothing in particular. */
  readonly only: string;
  /** Whether it is night (`NIGHTLY=1`): all files run. */
  readonly isNight: boolean;
}

const nameOf = (path: string): string => path.split("/").at(-1) ?? path;

/** The scenario files that are to run, in the order of their names. */
export function filesToRun(all: readonly string[], { only, isNight }: Asked): readonly string[] {
  const named = only.split(",").filter((part) => part !== "");
  const isAsked = (path: string): boolean =>
    named.length === 0
      ? isNight || DAILY.test(nameOf(path))
      : named.some((part) => nameOf(path).includes(part));
  return all.filter(isAsked).toSorted();
}

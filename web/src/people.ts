import { createContext } from "preact";
import { useContext, useEffect, useMemo, useReducer } from "preact/hooks";
import { Names } from "./names.ts";

/** The display names of the signed-in user's world. */
export const People = createContext<Names>(
  new Names({ fetch: async () => [], now: () => performance.now() }),
);

/**
 * The function that names people. It is another one after each change of a name, so what uses it is drawn
 * again, even if it is memoized.
 */
export function useNames(): (user: string) => string {
  const names = useContext(People);
  const [version, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(
    () =>
      names.watch(() => {
        draw(undefined);
      }),
    [names],
  );
  return useMemo(() => (user: string) => names.of(user), [names, version]);
}

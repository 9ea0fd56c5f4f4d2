import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Returns a function that asks for `act` in the next frame: once, however often it is called until then. */
export function useFrame(act: () => void): () => void {
  const latest = useRef(act);
  latest.current = act;
  const asked = useRef<number | undefined>(undefined);
  useLayoutEffect(
    () => () => {
      if (asked.current !== undefined) cancelAnimationFrame(asked.current);
    },
    [],
  );
  return () => {
    // A hidden tab has no frames: it is done when the tab is shown.
    asked.current ??= requestAnimationFrame(() => {
      asked.current = undefined;
      latest.current();
    });
  };
}

/** A hidden tab has no frames: there this long is as good as one. */
const NO_FRAME_MS = 250;

/** Who draws next, one after each frame. */
const waiting = new Set<() => void>();
let isAsked = false;

/** After the next frame, in a task of its own: what it draws is laid out in the frame after that. */
function askTurns(): void {
  if (isAsked || waiting.size === 0) return;
  isAsked = true;
  let isTaken = false;
  const take = (): void => {
    if (isTaken) return;
    isTaken = true;
    isAsked = false;
    const [first] = waiting;
    if (first !== undefined) {
      waiting.delete(first);
      first();
    }
    askTurns();
  };
  const late = setTimeout(take, NO_FRAME_MS);
  requestAnimationFrame(() => {
    clearTimeout(late);
    setTimeout(take, 0);
  });
}

/**
 * Returns a function that asks for `act` once it is its turn: parts of the page that change with each message
 * draw in turn, and each has a frame for itself. Asked again before that, it is still done once.
 */
export function useTurn(act: () => void): () => void {
  const latest = useRef(act);
  latest.current = act;
  const [turn] = useState(() => () => {
    latest.current();
  });
  useLayoutEffect(
    () => () => {
      waiting.delete(turn);
    },
    [],
  );
  return () => {
    waiting.add(turn);
    askTurns();
  };
}

/** The value as it is drawn: a change is drawn once it is the turn of this part of the page. */
export function useInTurn<T>(value: T): T {
  const [drawn, draw] = useState(() => value);
  const askTurn = useTurn(() => {
    draw(() => value);
  });
  useLayoutEffect(() => {
    if (drawn !== value) askTurn();
  }, [drawn, value]);
  return drawn;
}

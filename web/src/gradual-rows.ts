import { useLayoutEffect, useMemo, useReducer, useRef } from "preact/hooks";
import { useTurn } from "./frames.ts";
import type { Row } from "./rows.ts";

/** Of the rows that wait, so many are drawn at a time, or a quarter of them if that is more. */
const TURN_ROWS = 2;
/** If more wait, only some of them will be on the screen: all are drawn. */
const WAITING_MAX = 32;

/** How many of `count` rows are drawn next if `drawn` of them are by now. */
export function nextDrawn(count: number, drawn: number): number {
  const waiting = count - drawn;
  return waiting > WAITING_MAX ? count : Math.min(count, drawn + Math.max(TURN_ROWS, Math.ceil(waiting / 4)));
}

/**
 * How many of `rows` are drawn if `end` is the key of the last one that was. All are if it is not there any
 * more (another thread is open, or a message of one's own is stored), and if one's own message is the last.
 */
export function drawnOf(rows: readonly Row[], end: string | undefined): number {
  const last = rows.at(-1);
  if (last === undefined || "pending" in last) return rows.length;
  const at = rows.findLastIndex(({ key }) => key === end);
  return at < 0 ? rows.length : at + 1;
}

/**
 * Those of `rows` that are drawn by now. Messages gather while the browser has no time for the page. Drawn
 * at once, they would keep it from its other work for longer than a frame: so they are drawn over several.
 */
export function useGradualRows(rows: readonly Row[]): readonly Row[] {
  const end = useRef<string | undefined>(undefined);
  const [, draw] = useReducer((turns: number) => turns + 1, 0);
  const count = drawnOf(rows, end.current);
  end.current = rows[count - 1]?.key;
  const askTurn = useTurn(() => {
    end.current = rows[nextDrawn(rows.length, count) - 1]?.key;
    draw(undefined);
  });
  useLayoutEffect(() => {
    if (count < rows.length) askTurn();
  }, [rows, count]);
  return useMemo(() => (count === rows.length ? rows : rows.slice(0, count)), [rows, count]);
}

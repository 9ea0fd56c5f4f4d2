import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { VirtualizerHandle } from "virtua";
import type { Place } from "./following.ts";
import { Following } from "./following.ts";
import { useFrame } from "./frames.ts";
import type { Aim } from "./model.ts";
import type { Row } from "./rows.ts";
import { placeOf } from "./rows.ts";

/** Within this distance from the top, older messages are loaded. */
const TOP_PX = 800;
/** The list has lines in the document as far as this beyond the view. */
export const BEYOND_PX = 200;
/** A message that is further back than this many pages is not looked for. */
const AIM_PAGES_MAX = 20;

/**
 * Keeps the view at the newest row while the reader follows, and in place while older ones are inserted
 * above. Goes to the message `aim` once, for which it loads older ones.
 *
 * A scroll computes the layout. So new rows ask for a frame, and the view is put to the end there, once for
 * all of them, where the browser computes the layout anyway. Rows that turn out to be higher, and a view that
 * gets another size, put it there again before the frame is painted.
 */
export function useNewest(rows: readonly Row[], onTop: () => void, aim: Aim | undefined) {
  const list = useRef<VirtualizerHandle>(null);
  const view = useRef<HTMLDivElement>(null);
  const [follower] = useState(() => new Following());
  const newest = useRef<string | undefined>(undefined);
  newest.current = rows.at(-1)?.key;
  const before = useRef({ first: rows[0]?.key, last: rows.at(-1)?.key });
  const hasOlder = before.current.first !== rows[0]?.key && before.current.last === rows.at(-1)?.key;
  const [leftAt, setLeftAt] = useState<string>();
  const isSought = useSought(rows, aim, onTop);

  const tell = (): void => {
    setLeftAt((at) => (follower.isOn ? undefined : (at ?? newest.current)));
  };
  const onScroll = (): void => {
    const { current: div } = view;
    if (div === null || newest.current === undefined) return;
    const at = edgesOf(div);
    follower.look(at, div.scrollHeight, performance.now());
    tell();
    if (at.top < TOP_PX) onTop();
  };
  const keepUp = (): void => {
    const { current: div } = view;
    if (div === null || !follower.isOn) return;
    div.scrollTop = div.scrollHeight;
    const at = edgesOf(div);
    const moved = Math.abs(at.top - (list.current?.scrollOffset ?? 0));
    follower.put(at);
    // The list would hear of it in the next frame, and leave this one without the rows that came at once.
    if (moved > BEYOND_PX) div.dispatchEvent(new Event("scroll"));
  };
  const onResize = (): void => {
    keepUp();
    onScroll();
  };
  const askFrame = useFrame(keepUp);
  const toBottom = (): void => {
    follower.start();
    tell();
    askFrame();
  };
  useLayoutEffect(() => {
    const { first, last } = before.current;
    before.current = { first: rows[0]?.key, last: rows.at(-1)?.key };
    const isOwn = last !== rows.at(-1)?.key && "pending" in (rows.at(-1) ?? {});
    const at = isSought();
    if (at !== undefined && at < rows.length - 1) {
      follower.stop();
      list.current?.scrollToIndex(at, { align: "center" });
    } else if (at !== undefined || isOwn) toBottom();
    else if (follower.isOn) askFrame();
    else if (first !== rows[0]?.key) onScroll();
  }, [rows, aim]);
  const at = leftAt === undefined ? -1 : rows.findLastIndex(({ key }) => key === leftAt);
  const missed = at < 0 ? 0 : rows.length - 1 - at;
  return { list, view, hasOlder, isAtBottom: leftAt === undefined, missed, onScroll, onResize, toBottom };
}

function edgesOf({ scrollTop, clientHeight }: HTMLElement): Place {
  return { top: scrollTop, bottom: scrollTop + clientHeight };
}

/** Returns a function that says, once, where the row of the message `aim` is. It loads older ones for it. */
function useSought(
  rows: readonly Row[],
  aim: Aim | undefined,
  onOlder: () => void,
): () => number | undefined {
  const sought = useRef<{ aim: Aim | undefined; pages: number }>({ aim: undefined, pages: 0 });
  return () => {
    if (aim === undefined) return undefined;
    if (sought.current.aim !== aim) sought.current = { aim, pages: AIM_PAGES_MAX };
    if (sought.current.pages === 0) return undefined;
    const at = placeOf(rows, aim.seq);
    if (at === "nowhere") return undefined;
    if (at === "older") {
      sought.current.pages -= 1;
      onOlder();
      return undefined;
    }
    sought.current.pages = 0;
    return at;
  };
}

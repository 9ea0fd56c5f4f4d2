import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { VirtualizerHandle } from "virtua";
import { Virtualizer } from "virtua";
import type { ThreadView } from "@jichat/client";
import { t } from "./i18n.ts";
import type { TextBody } from "./listed.ts";
import type { Acts } from "./message.tsx";
import { Line, Waiting } from "./message.tsx";
import type { Aim, ChatModel } from "./model.ts";
import { pendingOf } from "./outgoing.ts";
import type { EventRows, Row } from "./rows.ts";
import { eventRowsOf, pendingRowOf, placeOf } from "./rows.ts";
import { useShown } from "./shown.ts";

interface Props extends Acts {
  readonly model: ChatModel;
  readonly isGroup: boolean;
  /** Asks for older messages when the view is near the top. */
  readonly onTop: () => void;
}

/**
 * Within the first distance from the top, older messages are loaded. Within the second from the bottom, the
 * view follows new messages.
 */
const [TOP_PX, BOTTOM_PX] = [800, 80];
const NOTHING: Pick<ThreadView<TextBody>, "lines" | "pending"> = { lines: [], pending: [] };
/** A message that is further back than this many pages is not looked for. */
const AIM_PAGES_MAX = 20;

/** The list of messages. Only those on the screen are in the document. */
export function Messages({ model, isGroup, onTop, onEdit, onRecall }: Props) {
  const rows = useRows(model);
  const isLoading = useShown(model, ({ thread }) => thread?.loading !== undefined);
  const aim = useShown(model, (shown) => shown.aim);
  const { list, hasOlder, isAtBottom, missed, onScroll, toBottom } = useBottom(rows, onTop, aim);
  return (
    <div class="messages-frame">
      <div
        class="messages"
        role="log"
        aria-label={t("thread.messages")}
        aria-busy={isLoading}
        // The keyboard scrolls the focused element.
        tabIndex={0}
      >
        {isLoading ? <span class="note loading">{t("thread.loading")}</span> : null}
        <div class="push" />
        <Virtualizer ref={list} data={rows} shift={hasOlder} onScroll={onScroll} onResize={onScroll}>
          {(row: Row) =>
            "event" in row ? (
              <Line
                key={row.key}
                row={row}
                me={model.me}
                isGroup={isGroup}
                isAimed={row.event.seq === aim?.seq}
                onEdit={onEdit}
                onRecall={onRecall}
              />
            ) : (
              <Waiting key={row.key} pending={row.pending} model={model} />
            )
          }
        </Virtualizer>
      </div>
      {isAtBottom ? null : (
        <button
          class="latest"
          onClick={() => {
            // Offline, the newest that are loaded are shown.
            model.toLatest().then(toBottom, toBottom);
          }}
        >
          {missed > 0 ? t("thread.latestNew", { count: missed }) : t("thread.latest")} ↓
        </button>
      )}
    </div>
  );
}

/** The rows of the open thread. */
function useRows(model: ChatModel): readonly Row[] {
  const thread = useShown(model, (shown) => shown.thread);
  const readAtOpen = useShown(model, (shown) => shown.readAtOpen);
  const made = useRef<EventRows | undefined>(undefined);
  return useMemo(() => {
    const { lines, pending } = thread ?? NOTHING;
    made.current = eventRowsOf({ events: lines, me: model.me, readAtOpen }, made.current);
    return [...made.current.rows, ...pending.map((message) => pendingRowOf(pendingOf(message)))];
  }, [thread, readAtOpen]);
}

/**
 * Keeps the view at the bottom if it is there, and in place while older messages are inserted above. Goes to
 * the message `aim` once, for which it loads older ones.
 */
function useBottom(rows: readonly Row[], onTop: () => void, aim: Aim | undefined) {
  const list = useRef<VirtualizerHandle>(null);
  const before = useRef({ first: rows[0]?.key, last: rows.at(-1)?.key });
  const stick = useRef(true);
  const sought = useRef<{ aim: Aim | undefined; pages: number }>({ aim: undefined, pages: 0 });
  const [leftAt, setLeftAt] = useState<string>();
  const hasOlder = before.current.first !== rows[0]?.key && before.current.last === rows.at(-1)?.key;
  const toBottom = (): void => {
    stick.current = true;
    setLeftAt(undefined);
    list.current?.scrollToIndex(rows.length - 1, { align: "end" });
  };
  const onScroll = (): void => {
    const handle = list.current;
    if (handle === null || rows.length === 0) return;
    const { scrollOffset, scrollSize, viewportSize } = handle;
    const isAtBottom = scrollSize - scrollOffset - viewportSize < BOTTOM_PX;
    if (isAtBottom !== stick.current) {
      stick.current = isAtBottom;
      setLeftAt(isAtBottom ? undefined : rows.at(-1)?.key);
    }
    if (scrollOffset < TOP_PX) onTop();
  };
  /** Returns whether the view has been moved to the message. */
  const seek = (): boolean => {
    if (aim === undefined) return false;
    if (sought.current.aim !== aim) sought.current = { aim, pages: AIM_PAGES_MAX };
    if (sought.current.pages === 0) return false;
    const at = placeOf(rows, aim.seq);
    if (at === "nowhere") return false;
    if (at === "older") {
      sought.current.pages -= 1;
      onTop();
      return false;
    }
    sought.current.pages = 0;
    stick.current = at === rows.length - 1;
    list.current?.scrollToIndex(at, { align: "center" });
    return true;
  };
  useLayoutEffect(() => {
    const { first, last } = before.current;
    before.current = { first: rows[0]?.key, last: rows.at(-1)?.key };
    const isOwn = rows.length > 0 && last !== rows.at(-1)?.key && "pending" in (rows.at(-1) ?? {});
    if (seek()) return;
    if (stick.current || isOwn) toBottom();
    else if (first !== rows[0]?.key) onScroll();
  }, [rows, aim]);
  const at = leftAt === undefined ? -1 : rows.findLastIndex(({ key }) => key === leftAt);
  const missed = at < 0 ? 0 : rows.length - 1 - at;
  return { list, hasOlder, isAtBottom: leftAt === undefined, missed, onScroll, toBottom };
}

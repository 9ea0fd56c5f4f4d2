import { useMemo, useRef } from "preact/hooks";
import { Virtualizer } from "virtua";
import type { ThreadView } from "@jichat/client";
import { useGradualRows } from "./gradual-rows.ts";
import { t } from "./i18n.ts";
import type { TextBody } from "./listed.ts";
import type { Acts } from "./message.tsx";
import { Line, Waiting } from "./message.tsx";
import type { ChatModel } from "./model.ts";
import { BEYOND_PX, useNewest } from "./newest.ts";
import { pendingOf } from "./outgoing.ts";
import type { EventRows, Row } from "./rows.ts";
import { eventRowsOf, pendingRowOf } from "./rows.ts";
import { useShown } from "./shown.ts";

interface Props extends Acts {
  readonly model: ChatModel;
  readonly isGroup: boolean;
  /** Asks for older messages when the view is near the top. */
  readonly onTop: () => void;
}

const NOTHING: Pick<ThreadView<TextBody>, "lines" | "pending"> = { lines: [], pending: [] };

/** The list of messages. Only those on the screen are in the document. */
export function Messages({ model, isGroup, onTop, onEdit, onRecall }: Props) {
  const rows = useGradualRows(useRows(model));
  const isLoading = useShown(model, ({ thread }) => thread?.loading !== undefined);
  const aim = useShown(model, (shown) => shown.aim);
  const { list, view, hasOlder, isAtBottom, missed, onScroll, onResize, toBottom } = useNewest(
    rows,
    onTop,
    aim,
  );
  return (
    <div class="messages-frame">
      <div
        ref={view}
        class="messages"
        role="log"
        aria-label={t("thread.messages")}
        aria-busy={isLoading}
        // The keyboard scrolls the focused element.
        tabIndex={0}
      >
        {isLoading ? <span class="note loading">{t("thread.loading")}</span> : null}
        <div class="push" />
        <Virtualizer
          ref={list}
          data={rows}
          bufferSize={BEYOND_PX}
          shift={hasOlder}
          onScroll={onScroll}
          onResize={onResize}
        >
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
    const { rows } = made.current;
    // There are many, and mostly nothing is pending.
    return pending.length === 0
      ? rows
      : [...rows, ...pending.map((message) => pendingRowOf(pendingOf(message)))];
  }, [thread, readAtOpen]);
}

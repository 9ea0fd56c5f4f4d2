import { memo } from "preact/compat";
import { Face } from "./face.tsx";
import { t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import type { Pending } from "./outgoing.ts";
import type { EventRow } from "./rows.ts";
import { piecesOf } from "./web-addresses.ts";
import { dayOf, sentenceOf, textOf, timeOf } from "./words.ts";

export interface Acts {
  readonly onEdit: (row: EventRow) => void;
  readonly onRecall: (row: EventRow) => void;
}

interface Props extends Acts {
  readonly row: EventRow;
  readonly me: string;
  readonly isGroup: boolean;
}

/**
 * One event of a thread. It renders again only when its row is another object: events are never changed in
 * place.
 */
export const Line = memo(
  ({ row, me, isGroup, onEdit, onRecall }: Props) => (
    <>
      {row.isNewDay ? <span class="day">{dayOf(row.event.ts)}</span> : null}
      {row.isFirstNew ? <span class="fresh-line">{t("thread.fresh")}</span> : null}
      {row.event.kind === "message" ? (
        <Message row={row} me={me} isGroup={isGroup} onEdit={onEdit} onRecall={onRecall} />
      ) : (
        <span class="note">{sentenceOf(row.event, me)}</span>
      )}
    </>
  ),
  (before: Props, { row, isGroup }: Props) =>
    before.row.event === row.event &&
    before.row.isHead === row.isHead &&
    before.row.isNewDay === row.isNewDay &&
    before.row.isFirstNew === row.isFirstNew &&
    before.isGroup === isGroup,
);

function Message({ row, me, isGroup, onEdit, onRecall }: Props) {
  const { event, isHead } = row;
  const isMine = event.from === me;
  const isGone = event.recalled !== undefined;
  const isNamed = isGroup && !isMine && isHead;
  const classes = ["message", isMine ? "mine" : "", isGone ? "gone" : "", isHead ? "head" : ""];
  return (
    <div class={isMine ? "line mine" : "line"}>
      {isGroup && !isMine ? isHead ? <Face name={event.from} /> : <span class="face-space" /> : null}
      <div class={classes.filter((name) => name !== "").join(" ")} data-seq={event.seq}>
        {isNamed ? <span class="from">{event.from}</span> : null}
        {isGone ? t("thread.recalled") : <Text text={textOf(event)} />}
        <span class="meta">
          {event.edited === undefined || isGone ? null : <span>{t("thread.edited")}</span>}
          <time dateTime={new Date(event.ts).toISOString()}>{timeOf(event.ts)}</time>
          {isMine && !isGone ? (
            <span role="img" title={t("thread.stored")} aria-label={t("thread.stored")}>
              ✓
            </span>
          ) : null}
        </span>
        {isMine && !isGone ? (
          <span class="acts">
            <button
              class="quiet"
              onClick={() => {
                onEdit(row);
              }}
            >
              {t("thread.edit")}
            </button>
            <button
              class="quiet"
              onClick={() => {
                onRecall(row);
              }}
            >
              {t("thread.recall")}
            </button>
          </span>
        ) : null}
      </div>
    </div>
  );
}

/** The text of a message, with web addresses as links. */
function Text({ text }: { readonly text: string }) {
  return (
    <>
      {piecesOf(text).map((piece) =>
        piece.href === undefined ? (
          piece.text
        ) : (
          <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ),
      )}
    </>
  );
}

export function Waiting({ pending, model }: { readonly pending: Pending; readonly model: ChatModel }) {
  const { text, error } = pending;
  return (
    <div class="line mine">
      <div class={error === undefined ? "message mine" : "message mine failed"}>
        {text}
        <span class="meta">
          {error ?? (
            <span role="img" title={t("thread.sending")} aria-label={t("thread.sending")}>
              ◷
            </span>
          )}
        </span>
        {error === undefined ? null : (
          <span class="meta">
            <button
              class="quiet"
              onClick={() => {
                model.retry(pending);
              }}
            >
              {t("thread.again")}
            </button>
            <button
              class="quiet"
              onClick={() => {
                model.discard(pending);
              }}
            >
              {t("thread.discard")}
            </button>
          </span>
        )}
      </div>
    </div>
  );
}

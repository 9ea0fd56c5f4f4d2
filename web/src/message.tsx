import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { memo } from "preact/compat";
import { dayOf, exactTimeOf, timeOf } from "./dates.ts";
import { Face } from "./face.tsx";
import { FormattedText } from "./formatted-text.tsx";
import { t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import type { Pending } from "./outgoing.ts";
import { useNames } from "./people.ts";
import type { EventRow } from "./rows.ts";
import { namedIn, sentenceOf, textOf } from "./words.ts";

export interface Acts {
  readonly onEdit: (row: EventRow) => void;
  readonly onRecall: (row: EventRow) => void;
}

interface Props extends Acts {
  readonly row: EventRow;
  readonly me: string;
  readonly isGroup: boolean;
  /** The address led to this message. */
  readonly isAimed: boolean;
}

/**
 * One event of a thread. It renders again only when its row is another object: events are never changed in
 * place.
 */
export const Line = memo(
  ({ row, me, isGroup, isAimed, onEdit, onRecall }: Props) => (
    <>
      {row.isNewDay ? <span class="day">{dayOf(row.event.ts)}</span> : null}
      {row.isFirstNew ? <span class="fresh-line">{t("thread.fresh")}</span> : null}
      {row.event.kind === "message" ? (
        <Message {...{ row, me, isGroup, isAimed, onEdit, onRecall }} />
      ) : (
        <Note event={row.event} me={me} />
      )}
    </>
  ),
  (before: Props, { row, isGroup, isAimed }: Props) =>
    before.row.event === row.event &&
    before.row.isHead === row.isHead &&
    before.row.isNewDay === row.isNewDay &&
    before.row.isFirstNew === row.isFirstNew &&
    before.isGroup === isGroup &&
    before.isAimed === isAimed,
);

function Note({ event, me }: { readonly event: ChatEvent; readonly me: string }) {
  const nameOf = useNames(namedIn(event));
  return (
    <span class="note" dir="auto">
      {sentenceOf(event, { me, nameOf })}
    </span>
  );
}

const classOf = (...names: readonly (string | false)[]): string =>
  names.filter((name) => name !== false).join(" ");

function Message({ row, me, isGroup, isAimed, onEdit, onRecall }: Props) {
  const { event, isHead } = row;
  const isMine = event.from === me;
  const isGone = event.recalled !== undefined;
  const isNamed = isGroup && !isMine && isHead;
  const name = useNames([event.from])(event.from);
  const meta = <Meta event={event} isMine={isMine} />;
  return (
    <div class={classOf("line", isMine && "mine", isHead && "head")}>
      {isGroup && !isMine ? (
        isHead ? (
          <Face name={name} seed={event.from} />
        ) : (
          <span class="face-space" />
        )
      ) : null}
      <div
        class={classOf("message", isMine && "mine", isGone && "gone", isAimed && "aimed")}
        data-seq={event.seq}
      >
        {isNamed ? (
          <span class="from">
            <bdi>{name}</bdi>
          </span>
        ) : null}
        {isGone ? (
          <p>
            {t("thread.recalled")}
            {meta}
          </p>
        ) : (
          <FormattedText text={textOf(event)} tail={meta} />
        )}
        {isMine && !isGone ? (
          <Deeds
            onEdit={() => {
              onEdit(row);
            }}
            onRecall={() => {
              onRecall(row);
            }}
          />
        ) : null}
      </div>
    </div>
  );
}

/** When a message was said, and what has become of it. Its direction is the page's, not the text's. */
function Meta({
  event: { ts, edited, recalled },
  isMine,
}: {
  readonly event: ChatEvent;
  readonly isMine: boolean;
}) {
  const isGone = recalled !== undefined;
  return (
    <span class="meta" dir="ltr">
      {edited === undefined || isGone ? null : <span>{t("thread.edited")}</span>}
      <time dateTime={new Date(ts).toISOString()} title={exactTimeOf(ts)}>
        {timeOf(ts)}
      </time>
      {isMine && !isGone ? (
        <span role="img" title={t("thread.stored")} aria-label={t("thread.stored")}>
          ✓
        </span>
      ) : null}
    </span>
  );
}

function Deeds({ onEdit, onRecall }: { readonly onEdit: () => void; readonly onRecall: () => void }) {
  return (
    <span class="acts">
      <button class="quiet" onClick={onEdit}>
        {t("thread.edit")}
      </button>
      <button class="quiet" onClick={onRecall}>
        {t("thread.recall")}
      </button>
    </span>
  );
}

export function Waiting({ pending, model }: { readonly pending: Pending; readonly model: ChatModel }) {
  const { text, error } = pending;
  return (
    <div class="line mine">
      <div class={error === undefined ? "message mine" : "message mine failed"}>
        <FormattedText
          text={text}
          tail={
            <span class="meta" dir="ltr">
              {error ?? (
                <span role="img" title={t("thread.sending")} aria-label={t("thread.sending")}>
                  ◷
                </span>
              )}
            </span>
          }
        />
        {error === undefined ? null : (
          <span class="meta again">
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

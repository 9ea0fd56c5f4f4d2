import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { Composer } from "./composer.tsx";
import { GroupPanel } from "./group-panel.tsx";
import type { ChatModel, Pending } from "./model.ts";
import { isNew, textOf } from "./model.ts";
import { dayOf, sentenceOf, timeOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly token: string;
}

/** Closer to the top than this older messages are fetched; closer to the bottom new ones are followed. */
const NEAR_PX = 120;

export function Thread({ model, target, token }: Props) {
  const [isPanel, setPanel] = useState(false);
  const [editing, setEditing] = useState<ChatEvent>();
  const listed = model.conversations.get(target);
  const thread = model.threads.get(target);
  const events = thread?.events ?? [];
  const pending = model.pending.filter((one) => one.target === target);
  const box = useScroll(events, pending.length, () => void model.loadOlder(target));
  return (
    <main class="thread">
      <header>
        <button
          class="quiet back"
          aria-label="Back to the list"
          onClick={() => {
            model.show(undefined);
          }}
        >
          ←
        </button>
        <h2>
          {listed?.name ?? target.slice(1)} {isNew(target) ? <small>say hello to begin</small> : null}
        </h2>
        {listed?.kind === "group" ? (
          <button
            class="quiet"
            aria-expanded={isPanel}
            onClick={() => {
              setPanel(!isPanel);
            }}
          >
            Members
          </button>
        ) : null}
      </header>
      {isPanel && listed !== undefined ? (
        <GroupPanel
          model={model}
          listed={listed}
          token={token}
          onFault={() => {
            setPanel(false);
          }}
        />
      ) : null}
      <div class="messages" ref={box} role="log" aria-label="Messages">
        {thread?.loading === true ? <span class="note">Loading …</span> : null}
        {events.map((event, index) => (
          <Shown
            key={event.seq}
            event={event}
            before={events[index - 1]}
            model={model}
            isGroup={listed?.kind === "group"}
            onEdit={() => {
              setEditing(event);
            }}
          />
        ))}
        {pending.map((one) => (
          <Waiting key={one.id} pending={one} model={model} />
        ))}
      </div>
      {listed?.left === true ? (
        <p class="nothing">You are no longer in this conversation.</p>
      ) : (
        <Composer
          key={editing?.seq ?? 0}
          model={model}
          target={target}
          editing={editing}
          onDone={() => {
            setEditing(undefined);
          }}
        />
      )}
    </main>
  );
}

/** Stays at the bottom while one is there, and in place while older messages come in above. */
function useScroll(events: readonly ChatEvent[], pending: number, onTop: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef({ first: 0, height: 0, atBottom: true });
  useLayoutEffect(() => {
    const div = box.current;
    if (div === null) return;
    const first = events[0]?.seq ?? 0;
    if (before.current.atBottom) div.scrollTop = div.scrollHeight;
    else if (first < before.current.first) div.scrollTop += div.scrollHeight - before.current.height;
    before.current = { ...before.current, first, height: div.scrollHeight };
  }, [events, events.length, pending]);
  useEffect(() => {
    const div = box.current;
    if (div === null) return undefined;
    const onScroll = (): void => {
      before.current.atBottom = div.scrollHeight - div.scrollTop - div.clientHeight < NEAR_PX;
      if (div.scrollTop < NEAR_PX) onTop();
    };
    div.addEventListener("scroll", onScroll);
    return () => {
      div.removeEventListener("scroll", onScroll);
    };
  }, []);
  return box;
}

interface ShownProps {
  readonly event: ChatEvent;
  readonly before: ChatEvent | undefined;
  readonly model: ChatModel;
  readonly isGroup: boolean;
  readonly onEdit: () => void;
}

function Shown({ event, before, model, isGroup, onEdit }: ShownProps) {
  const isMine = event.from === model.me;
  const day =
    before === undefined || dayOf(before.ts) !== dayOf(event.ts) ? (
      <span class="day">{dayOf(event.ts)}</span>
    ) : null;
  if (event.kind === "edited" || event.kind === "recalled") return day;
  if (event.kind !== "message")
    return (
      <>
        {day}
        <span class="note">{sentenceOf(event, model.me)}</span>
      </>
    );
  const isGone = event.recalled !== undefined;
  const classes = ["message", ...(isMine ? ["mine"] : []), ...(isGone ? ["gone"] : [])].join(" ");
  const recall = (): void => {
    model.change(event, undefined).catch((error: unknown) => {
      alert(error instanceof Error ? error.message : error);
    });
  };
  return (
    <>
      {day}
      <div class={classes} data-seq={event.seq}>
        {isGroup && !isMine && before?.from !== event.from ? <span class="from">{event.from}</span> : null}
        {isGone ? "Message taken back" : textOf(event)}
        <span class="meta">
          {event.edited === undefined || isGone ? "" : "edited "}
          {timeOf(event.ts)}
          {isMine ? (
            <span title="Stored" aria-label="stored">
              ✓
            </span>
          ) : null}
        </span>
        {isMine && !isGone ? (
          <span class="acts">
            <button class="quiet" onClick={onEdit}>
              Edit
            </button>
            <button class="quiet" onClick={recall}>
              Take back
            </button>
          </span>
        ) : null}
      </div>
    </>
  );
}

function Waiting({ pending, model }: { readonly pending: Pending; readonly model: ChatModel }) {
  const { text, error } = pending;
  return (
    <div class={error === undefined ? "message mine" : "message mine failed"}>
      {text}
      <span class="meta">
        {error === undefined ? (
          <span title="On its way" aria-label="sending">
            ◷
          </span>
        ) : (
          error
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
            Send again
          </button>
          <button
            class="quiet"
            onClick={() => {
              model.discard(pending);
            }}
          >
            Discard
          </button>
        </span>
      )}
    </div>
  );
}

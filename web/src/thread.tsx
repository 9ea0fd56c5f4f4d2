import { useMemo, useState } from "preact/hooks";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { goBack } from "./address.ts";
import { Composer } from "./composer.tsx";
import type { Drafts } from "./drafts.ts";
import { Face } from "./face.tsx";
import { GroupPanel } from "./group-panel.tsx";
import { explain, language, t } from "./i18n.ts";
import { Messages } from "./messages.tsx";
import type { ChatModel } from "./model.ts";
import { isNew } from "./model.ts";
import { useNames } from "./people.ts";
import { rowsOf } from "./rows.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly token: string;
  readonly drafts: Drafts;
}

const NONE: readonly ChatEvent[] = [];

export function Thread({ model, target, token, drafts }: Props) {
  const [isPanel, setPanel] = useState(false);
  const [editing, setEditing] = useState<ChatEvent>();
  const [fault, setFault] = useState<string>();
  const listed = model.conversation(target);
  const { thread } = model;
  const isGroup = listed?.kind === "group";
  const events = thread?.events ?? NONE;
  const waiting = model.outgoing.all;
  const rows = useMemo(
    () => rowsOf(events, thread?.waiting ?? [], model.me, thread?.readAtOpen),
    [events, waiting, thread?.readAtOpen],
  );
  const recall = (event: ChatEvent): void => {
    model.change(event.seq, undefined).catch((error: unknown) => {
      setFault(explain(error));
    });
  };
  const editLast = (): void => {
    setEditing(
      events.findLast((e) => e.kind === "message" && e.from === model.me && e.recalled === undefined),
    );
  };
  return (
    <main class="thread">
      <header>
        <button
          class="quiet icon back"
          aria-label={t("thread.back")}
          onClick={() => {
            goBack(model);
          }}
        >
          ←
        </button>
        <Title model={model} target={target} />
        {isGroup ? (
          <button
            class="quiet"
            aria-expanded={isPanel}
            onClick={() => {
              setPanel(!isPanel);
            }}
          >
            {t("group.members")}
          </button>
        ) : null}
      </header>
      {isPanel && listed?.isMember === true ? (
        <GroupPanel
          model={model}
          listed={listed}
          token={token}
          onClose={() => {
            setPanel(false);
          }}
        />
      ) : null}
      <Messages
        key={language()}
        model={model}
        rows={rows}
        isGroup={isGroup}
        isLoading={thread?.loading === true}
        onTop={() => {
          model.loadOlder().catch((error: unknown) => {
            setFault(explain(error));
          });
        }}
        onEdit={({ event }) => {
          setEditing(event);
        }}
        onRecall={({ event }) => {
          recall(event);
        }}
      />
      {fault === undefined ? null : (
        <p class="fault bar" role="alert">
          {fault}
          <button
            class="quiet"
            onClick={() => {
              setFault(undefined);
            }}
          >
            {t("thread.close")}
          </button>
        </p>
      )}
      {listed?.isMember === false ? (
        <p class="nothing">{t("thread.left")}</p>
      ) : (
        <Composer
          key={editing?.seq ?? 0}
          model={model}
          target={target}
          drafts={drafts}
          editing={editing}
          onEditLast={editLast}
          onDone={() => {
            setEditing(undefined);
          }}
        />
      )}
    </main>
  );
}

/** Whom the conversation is with, and how they can be told from others of the same name. */
function Title({ model, target }: Pick<Props, "model" | "target">) {
  const nameOf = useNames();
  const listed = model.conversation(target);
  const peer = isNew(target) ? target.slice(1) : listed?.kind === "direct" ? listed.name : undefined;
  const name = peer === undefined ? (listed?.name ?? "") : nameOf(peer);
  return (
    <>
      {name === "" ? null : <Face name={name} seed={peer ?? name} isGroup={peer === undefined} />}
      <div class="title">
        <h2 dir="auto">{name}</h2>
        {isNew(target) ? (
          <small>{t("thread.hello")}</small>
        ) : peer === undefined || peer === name ? null : (
          <small>@{peer}</small>
        )}
      </div>
    </>
  );
}

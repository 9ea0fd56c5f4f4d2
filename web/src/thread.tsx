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
import { Mute } from "./mute.tsx";
import { useProfile, shownName } from "./people.ts";
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
  const closed = useClosed(model, target);
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
        {listed?.isMember === true ? (
          <Mute
            key={listed.id}
            model={model}
            listed={listed}
            onFault={(error) => {
              setFault(explain(error));
            }}
          />
        ) : null}
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
      <div class="beside">
        <div class="talk">
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
          {closed !== undefined ? (
            <p class="nothing">{closed}</p>
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
        </div>
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
      </div>
    </main>
  );
}

/** The other user of a 1-1 conversation. */
function peerOf(model: ChatModel, target: string): string | undefined {
  if (isNew(target)) return target.slice(1);
  const listed = model.conversation(target);
  return listed?.kind === "direct" ? listed.name : undefined;
}

/** Why nothing can be written here; undefined if it can. */
function useClosed(model: ChatModel, target: string): string | undefined {
  const { deleted } = useProfile(peerOf(model, target) ?? "");
  if (model.conversation(target)?.isMember === false) return t("thread.left");
  return deleted === true ? t("thread.deleted") : undefined;
}

/** Whom the conversation is with, and how they can be told from others of the same name. */
function Title({ model, target }: Pick<Props, "model" | "target">) {
  const peer = peerOf(model, target);
  const profile = useProfile(peer ?? "");
  const name = peer === undefined ? (model.conversation(target)?.name ?? "") : shownName(profile);
  return (
    <>
      {name === "" ? null : <Face name={name} seed={peer ?? name} isGroup={peer === undefined} />}
      <div class="title">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {isNew(target) ? (
          <small>{t("thread.hello")}</small>
        ) : peer === undefined || peer === name ? null : (
          <small>@{peer}</small>
        )}
      </div>
    </>
  );
}

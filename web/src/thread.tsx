import { useState } from "preact/hooks";
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
import { useShown } from "./shown.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly token: string;
  readonly drafts: Drafts;
}

export function Thread({ model, target, token, drafts }: Props) {
  const [isPanel, setPanel] = useState(false);
  const [editing, setEditing] = useState<ChatEvent>();
  const [fault, setFault] = useState<string>();
  const isGroup = useShown(model, (shown) => shown.conversation(target)?.kind === "group");
  const isMember = useShown(model, (shown) => shown.conversation(target)?.isMember);
  const closed = useClosed(model, target);
  const failed = (error: unknown): void => {
    setFault(explain(error));
  };
  const editLast = (): void => {
    setEditing(
      model.thread?.lines.findLast(
        ({ kind, from, recalled }) => kind === "message" && from === model.me && recalled === undefined,
      ),
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
        {isMember === true ? <Mute model={model} id={target} onFault={failed} /> : null}
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
            isGroup={isGroup}
            onTop={() => {
              model.loadOlder().catch(failed);
            }}
            onEdit={({ event }) => {
              setEditing(event);
            }}
            onRecall={({ event }) => {
              model.change(event.seq, undefined).catch(failed);
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
        {isPanel && isMember === true ? (
          <GroupPanel
            model={model}
            id={target}
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
function usePeer(model: ChatModel, target: string): string | undefined {
  const peer = useShown(model, (shown) => {
    const listed = shown.conversation(target);
    return listed?.kind === "direct" ? listed.name : undefined;
  });
  return isNew(target) ? target.slice(1) : peer;
}

/** Why nothing can be written here; undefined if it can. */
function useClosed(model: ChatModel, target: string): string | undefined {
  const { deleted } = useProfile(usePeer(model, target) ?? "");
  const hasLeft = useShown(model, (shown) => shown.conversation(target)?.isMember === false);
  if (hasLeft) return t("thread.left");
  return deleted === true ? t("thread.deleted") : undefined;
}

/** Whom the conversation is with, and how they can be told from others of the same name. */
function Title({ model, target }: Pick<Props, "model" | "target">) {
  const peer = usePeer(model, target);
  const profile = useProfile(peer ?? "");
  const groupName = useShown(model, (shown) => shown.conversation(target)?.name ?? "");
  const name = peer === undefined ? groupName : shownName(profile);
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

import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { goTo, useAddress } from "./address.ts";
import { showBadge } from "./badge.ts";
import { Banner } from "./banner.tsx";
import { ConversationList } from "./conversation-list.tsx";
import { deviceOfTab, newDevice } from "./device.ts";
import { Door } from "./door.tsx";
import { Drafts } from "./drafts.ts";
import { t } from "./i18n.ts";
import { Jump } from "./jump.tsx";
import type { ConversationRow } from "./listed.ts";
import { ChatModel } from "./model.ts";
import { useNotifications, useSeen } from "./notifications.ts";
import { People } from "./people.ts";
import type { Session } from "./rest.ts";
import { getConfig } from "./rest.ts";
import { Settings } from "./settings.tsx";
import { useShown } from "./shown.ts";
import { Thread } from "./thread.tsx";

interface Props {
  readonly session: Session;
  readonly onSession: (session: Session) => void;
  readonly onLeave: () => void;
}

const RETRY_MS = 1_000;

export function Chat({ session, onSession, onLeave }: Props) {
  const drafts = useMemo(() => new Drafts(session.user), [session.user]);
  const { model, isUnreachable, again } = useModel(session);
  if (model === undefined) return <Door isUnreachable={isUnreachable} />;
  const leave = (): void => {
    drafts.clear();
    onLeave();
  };
  return (
    <People.Provider value={model.profile}>
      <Rooms {...{ model, session, drafts, onSession }} onAgain={again} onLeave={leave} />
    </People.Provider>
  );
}

/** The model of the session, remade when the session changes or `again` is called. */
function useModel(session: Session) {
  const [model, setModel] = useState<ChatModel>();
  const [isUnreachable, setUnreachable] = useState(false);
  const [attempt, repeat] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let made: ChatModel | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const start = async (): Promise<void> => {
      const [{ ws }, device] = await Promise.all([getConfig(), deviceOfTab()]);
      if (isGone) return;
      made = await ChatModel.start(session.user, ws, device, async () => session.token);
      if (isGone) return made.close();
      setModel(made);
    };
    const open = (): void => {
      start().catch(() => {
        if (isGone) return;
        setUnreachable(true);
        timer = setTimeout(open, RETRY_MS);
      });
    };
    open();
    return () => {
      isGone = true;
      clearTimeout(timer);
      void made?.close();
    };
  }, [session, attempt]);
  const again = (): void => {
    // Another tab has this tab's device. Under another name, both go on.
    newDevice();
    repeat(undefined);
  };
  return { model, isUnreachable, again };
}

interface RoomsProps extends Props {
  readonly model: ChatModel;
  readonly drafts: Drafts;
  readonly onAgain: () => void;
}

function Rooms({ model, session, drafts, onSession, onAgain, onLeave }: RoomsProps) {
  const [isSettings, setSettings] = useState(false);
  const [isJump, setJump] = useState(false);
  const open = useShown(model, (shown) => shown.open);
  useAddress(model, drafts);
  useNotifications(model);
  useSeen(open);
  useWarning(model);
  useShortcut(() => {
    setJump(true);
  });
  return (
    <div class={open === undefined ? "chat" : "chat open"}>
      <Unread model={model} />
      <Banner model={model} onAgain={onAgain} onLeave={onLeave} />
      <ConversationList
        model={model}
        token={session.token}
        onSettings={() => {
          setSettings(true);
        }}
      />
      {open === undefined ? (
        <main class="empty">
          <img src="icon.svg" alt="" />
          <p>{t("app.choose")}</p>
          <p class="dim">{t("app.jump", { keys: isMac ? "⌘K" : "Ctrl K" })}</p>
        </main>
      ) : (
        <Thread key={open} model={model} target={open} token={session.token} drafts={drafts} />
      )}
      {isJump ? (
        <Jump
          model={model}
          token={session.token}
          onChoose={(target) => {
            goTo(model, target);
          }}
          onClose={() => {
            setJump(false);
          }}
        />
      ) : null}
      {isSettings ? (
        <Settings
          model={model}
          session={session}
          onSession={onSession}
          onLeave={onLeave}
          onClose={() => {
            setSettings(false);
          }}
        />
      ) : null}
    </div>
  );
}

const isMac = /Mac|iP(hone|ad|od)/.test(navigator.userAgent);

/** Unread messages that call for attention: those of muted conversations do not. */
const unreadOf = (conversations: readonly ConversationRow[]): number =>
  conversations.reduce((sum, { muted, unread }) => (muted === undefined ? sum + unread : sum), 0);

/** The number of unread messages, in the tab's title and at the app's icon. */
function Unread({ model }: { readonly model: ChatModel }) {
  const sorted = useShown(model, (shown) => shown.sorted);
  const unread = useMemo(() => unreadOf(sorted), [sorted]);
  const isListed = useShown(model, ({ listed }) => listed);
  useEffect(() => {
    document.title = unread === 0 ? "JiChat" : `(${unread}) JiChat`;
  }, [unread]);
  useEffect(() => {
    // Until the server has told all conversations, the icon's number is the one of the last push.
    if (isListed) void showBadge(unread);
  }, [unread, isListed]);
  return null;
}

/** Ctrl+K, or ⌘K, from anywhere on the page. */
function useShortcut(act: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey) return;
      if (event.ctrlKey === event.metaKey) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
    };
  }, []);
}

/** Asks for confirmation before the tab closes while a message is unsent. */
function useWarning(model: ChatModel): void {
  useEffect(() => {
    const onUnload = (event: BeforeUnloadEvent): void => {
      if (model.outgoing.all.length > 0) event.preventDefault();
    };
    addEventListener("beforeunload", onUnload);
    return () => {
      removeEventListener("beforeunload", onUnload);
    };
  }, [model]);
}

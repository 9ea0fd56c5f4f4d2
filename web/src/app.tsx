import { useEffect, useReducer, useState } from "preact/hooks";
import { Banner } from "./banner.tsx";
import { ConversationList } from "./conversation-list.tsx";
import { onLanguage, t } from "./i18n.ts";
import { ChatModel } from "./model.ts";
import type { Session } from "./rest.ts";
import { getConfig, signOut } from "./rest.ts";
import { Settings } from "./settings.tsx";
import { SignIn } from "./sign-in.tsx";
import { Thread } from "./thread.tsx";

const SESSION_KEY = "jichat-session";
const DEVICE_KEY = "jichat-device";

/** The server decides whether the session has expired, since this device's clock may be hours off. */
function storedSession(): Session | undefined {
  const text = localStorage.getItem(SESSION_KEY);
  return text === null ? undefined : (JSON.parse(text) as Session);
}

/** Each tab is a separate device, so that two tabs work side by side. */
function deviceOfTab(): string {
  const known = sessionStorage.getItem(DEVICE_KEY);
  if (known !== null) return known;
  const device = `web-${crypto.randomUUID().slice(0, 8)}`;
  sessionStorage.setItem(DEVICE_KEY, device);
  return device;
}

export function App() {
  const [session, setSession] = useState(storedSession);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(
    () =>
      onLanguage(() => {
        draw(undefined);
      }),
    [],
  );
  const enter = (made: Session): void => {
    localStorage.setItem(SESSION_KEY, JSON.stringify(made));
    setSession(made);
  };
  const leave = (): void => {
    // A token that cannot be revoked now expires later by itself.
    if (session !== undefined) signOut(session.token).catch(() => undefined);
    localStorage.removeItem(SESSION_KEY);
    setSession(undefined);
  };
  if (session === undefined) return <SignIn onSession={enter} />;
  return <Chat session={session} onSession={enter} onLeave={leave} />;
}

interface ChatProps {
  readonly session: Session;
  readonly onSession: (session: Session) => void;
  readonly onLeave: () => void;
}

function Chat({ session, onSession, onLeave }: ChatProps) {
  const [model, setModel] = useState<ChatModel>();
  const [isSettings, setSettings] = useState(false);
  const [attempt, again] = useReducer((count: number) => count + 1, 0);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let made: ChatModel | undefined;
    let gone = false;
    const start = async (): Promise<void> => {
      const { ws } = await getConfig();
      if (gone) return;
      made = await ChatModel.start(session.user, ws, deviceOfTab(), async () => session.token);
      if (gone) void made.close();
      made.watch(() => {
        draw(undefined);
      });
      setModel(made);
    };
    const open = (): void => {
      start().catch(() => {
        if (!gone) setTimeout(open, 1_000);
      });
    };
    open();
    return () => {
      gone = true;
      void made?.close();
    };
  }, [session, attempt]);
  useEffect(() => {
    const unread = model?.unread ?? 0;
    document.title = unread === 0 ? "JiChat" : `(${unread}) JiChat`;
  }, [model?.unread]);
  useWarning(model);
  if (model === undefined)
    return (
      <main class="sign-in">
        <p>{t("app.connecting")}</p>
      </main>
    );
  return (
    <div class={model.open === undefined ? "chat" : "chat open"}>
      <Banner
        model={model}
        onAgain={() => {
          again(undefined);
        }}
        onLeave={onLeave}
      />
      <ConversationList
        model={model}
        token={session.token}
        onSettings={() => {
          setSettings(true);
        }}
      />
      {model.open === undefined ? (
        <main class="empty">
          <p>{t("app.choose")}</p>
        </main>
      ) : (
        <Thread key={model.open} model={model} target={model.open} token={session.token} />
      )}
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

/** Asks for confirmation before the tab closes while a message is unsent. */
function useWarning(model: ChatModel | undefined): void {
  useEffect(() => {
    const onUnload = (event: BeforeUnloadEvent): void => {
      if ((model?.outgoing.all.length ?? 0) > 0) event.preventDefault();
    };
    addEventListener("beforeunload", onUnload);
    return () => {
      removeEventListener("beforeunload", onUnload);
    };
  }, [model]);
}

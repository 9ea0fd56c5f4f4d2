import { useEffect, useReducer, useState } from "preact/hooks";
import { Banner } from "./banner.tsx";
import { ConversationList } from "./conversation-list.tsx";
import { ChatModel } from "./model.ts";
import type { Session } from "./rest.ts";
import { getConfig, signOut } from "./rest.ts";
import { SignIn } from "./sign-in.tsx";
import { Thread } from "./thread.tsx";

const SESSION_KEY = "jichat-session";
const DEVICE_KEY = "jichat-device";

function storedSession(): Session | undefined {
  const text = localStorage.getItem(SESSION_KEY);
  if (text === null) return undefined;
  const session = JSON.parse(text) as Session;
  return session.expiresAt > Date.now() ? session : undefined;
}

/** Each tab is a device of its own: two tabs live side by side. */
function deviceOfTab(): string {
  const known = sessionStorage.getItem(DEVICE_KEY);
  if (known !== null) return known;
  const device = `web-${crypto.randomUUID().slice(0, 8)}`;
  sessionStorage.setItem(DEVICE_KEY, device);
  return device;
}

export function App() {
  const [session, setSession] = useState(storedSession);
  const leave = (): void => {
    // A token that cannot be revoked now expires.
    if (session !== undefined) signOut(session.token).catch(() => undefined);
    localStorage.removeItem(SESSION_KEY);
    setSession(undefined);
  };
  if (session === undefined) {
    return (
      <SignIn
        onSession={(made) => {
          localStorage.setItem(SESSION_KEY, JSON.stringify(made));
          setSession(made);
        }}
      />
    );
  }
  return <Chat session={session} onLeave={leave} />;
}

function Chat({ session, onLeave }: { readonly session: Session; readonly onLeave: () => void }) {
  const [model, setModel] = useState<ChatModel>();
  const [attempt, again] = useReducer((count: number) => count + 1, 0);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let made: ChatModel | undefined;
    let gone = false;
    const open = (): void => {
      getConfig().then(
        ({ ws }) => {
          if (gone) return;
          made = new ChatModel(session.user, ws, deviceOfTab(), async () => session.token);
          made.watch(() => {
            draw(undefined);
          });
          setModel(made);
        },
        () => {
          if (!gone) setTimeout(open, 1_000);
        },
      );
    };
    open();
    return () => {
      gone = true;
      made?.close();
    };
  }, [session, attempt]);
  if (model === undefined)
    return (
      <div class="sign-in">
        <p>Connecting …</p>
      </div>
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
      <ConversationList model={model} token={session.token} onLeave={onLeave} />
      {model.open === undefined ? (
        <main class="empty">
          <p>
            Choose a conversation,
            <br />
            or find somebody to talk to.
          </p>
        </main>
      ) : (
        <Thread key={model.open} model={model} target={model.open} token={session.token} />
      )}
    </div>
  );
}

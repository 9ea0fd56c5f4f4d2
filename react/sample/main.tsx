import { StrictMode, useEffect, useState } from "react";
import type { FormEvent } from "react";
import { createRoot } from "react-dom/client";
import { openChat, signIn, signUp, webStore } from "@jichat/client";
import type { Chat, Target } from "@jichat/client";
import { ChatProvider, useComposer, useConnection, useConversations, useMessages } from "@jichat/react";
import type { TextBody } from "@jichat/react";

/** `?api=http://127.0.0.1:8080` names another api than the page's own. */
const api = new URLSearchParams(location.search).get("api") ?? location.origin;

/** A tab is a device: two that are open at once must not have the same name. */
function deviceOfTab(): string {
  const device = sessionStorage.getItem("device") ?? `tab-${Date.now().toString(36)}`;
  sessionStorage.setItem("device", device);
  return device;
}

async function enter(user: string, password: string, isNew: boolean): Promise<Chat<TextBody>> {
  const login = { user, password };
  if (isNew) await signUp(login, { api });
  const { token } = await signIn(login, { api });
  const store = webStore(sessionStorage);
  return openChat<TextBody>({ api, user, device: deviceOfTab(), token: async () => token, store });
}

function SignIn({ onChat }: { readonly onChat: (chat: Chat<TextBody>) => void }) {
  const [[user, password, isNew], fill] = useState<readonly [user: string, password: string, isNew: boolean]>(
    ["", "", false],
  );
  const [fault, setFault] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    enter(user, password, isNew).then(onChat, (error: Error) => {
      setFault(error.message);
    });
  };
  return (
    <form onSubmit={submit}>
      <label>
        Name <input value={user} onChange={({ target }) => fill([target.value, password, isNew])} />
      </label>
      <label>
        Password{" "}
        <input
          type="password"
          value={password}
          onChange={({ target }) => fill([user, target.value, isNew])}
        />
      </label>
      <label>
        <input
          type="checkbox"
          checked={isNew}
          onChange={({ target }) => fill([user, password, target.checked])}
        />{" "}
        New here
      </label>
      <button>Enter</button>
      <p role="alert">{fault}</p>
    </form>
  );
}

function Conversations({ onOpen }: { readonly onOpen: (target: Target) => void }) {
  const { conversations, unread } = useConversations<TextBody>();
  const [user, setUser] = useState("");
  return (
    <nav aria-label="Conversations">
      <p>{unread} unread</p>
      {conversations.map(({ id, name, unread }) => (
        <button key={id} onClick={() => onOpen({ conversation: id })}>
          {name} ({unread})
        </button>
      ))}
      <label>
        Write to <input value={user} onChange={({ target }) => setUser(target.value)} />
      </label>
      <button disabled={user === ""} onClick={() => onOpen({ to: user })}>
        Open
      </button>
    </nav>
  );
}

function Talk({ target }: { readonly target: Target }) {
  const { lines, pending, hasOlder, hasNewer, loadOlder, markRead, retry } = useMessages<TextBody>(target);
  const { text, setText, canSend, send } = useComposer(target);
  useEffect(() => {
    if (!hasNewer) markRead();
  }, [lines, hasNewer, markRead]);
  return (
    <main>
      {hasOlder ? <button onClick={() => void loadOlder()}>Older</button> : null}
      <ul aria-label="Messages">
        {lines.map((line) =>
          line.kind === "message" ? (
            <li key={line.seq}>
              {line.from}: {line.body?.text ?? "(taken back)"}
            </li>
          ) : null,
        )}
        {pending.map(({ id, body, state, error }) => (
          <li key={id}>
            {body.text} ({error?.message ?? state})
            {state === "failed" ? <button onClick={() => retry(id)}>Try again</button> : null}
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <label>
          Message <input value={text} onChange={({ target }) => setText(target.value)} />
        </label>
        <button disabled={!canSend}>Send</button>
      </form>
    </main>
  );
}

function Room() {
  const { state, error } = useConnection();
  const [target, open] = useState<Target>();
  return (
    <>
      <p role="status">{error === undefined ? state : `${state}: ${error.message}`}</p>
      <Conversations onOpen={open} />
      {target === undefined ? null : <Talk target={target} />}
    </>
  );
}

function App() {
  const [chat, setChat] = useState<Chat<TextBody>>();
  if (chat === undefined) return <SignIn onChat={setChat} />;
  return (
    <ChatProvider chat={chat}>
      <Room />
    </ChatProvider>
  );
}

const root = document.querySelector("#root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

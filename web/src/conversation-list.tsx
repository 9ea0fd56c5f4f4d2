import { useEffect, useState } from "preact/hooks";
import { field } from "./form.ts";
import type { Listed } from "./listed.ts";
import type { ChatModel } from "./model.ts";
import type { Profile } from "./rest.ts";
import { findUsers } from "./rest.ts";
import { sentenceOf, timeOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly token: string;
  readonly onLeave: () => void;
}

const SEARCH_DELAY_MS = 200;

export function ConversationList({ model, token, onLeave }: Props) {
  const [isGroup, setGroup] = useState(false);
  return (
    <nav class="side" aria-label="Conversations">
      <header>
        <b>{model.me}</b>
        <button
          class="quiet"
          onClick={() => {
            setGroup(!isGroup);
          }}
        >
          {isGroup ? "Cancel" : "New group"}
        </button>
        <button class="quiet" onClick={onLeave}>
          Sign out
        </button>
      </header>
      {isGroup ? (
        <NewGroup
          model={model}
          onDone={() => {
            setGroup(false);
          }}
        />
      ) : (
        <FindUser model={model} token={token} />
      )}
      <ul>
        {model.sorted.map((listed) => (
          <Entry key={listed.id} model={model} listed={listed} />
        ))}
        {model.listed && model.conversations.size === 0 ? (
          <li class="nothing">No conversations yet. Find somebody above.</li>
        ) : null}
      </ul>
    </nav>
  );
}

function Entry({ model, listed }: { readonly model: ChatModel; readonly listed: Listed }) {
  const { id, name, kind, last, unread } = listed;
  const prefix =
    last?.kind === "message" && kind === "group" && last.from !== model.me ? `${last.from}: ` : "";
  return (
    <li>
      <button
        aria-current={model.open === id ? "true" : "false"}
        onClick={() => {
          model.show(id);
        }}
      >
        <span class={kind === "group" ? "face group" : "face"} aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
        </span>
        <span class="name">{name}</span>
        <span class="time">{last === undefined ? "" : timeOf(last.ts)}</span>
        <span class="last">{last === undefined ? "" : prefix + sentenceOf(last, model.me)}</span>
        {unread > 0 ? (
          <span class="unread" aria-label={`${unread} unread`}>
            {unread > 99 ? "99+" : unread}
          </span>
        ) : (
          <span />
        )}
      </button>
    </li>
  );
}

function FindUser({ model, token }: { readonly model: ChatModel; readonly token: string }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Profile[]>([]);
  useEffect(() => {
    setFound([]);
    if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
    const timer = setTimeout(() => {
      findUsers(token, text).then(setFound, () => {
        setFound([]);
      });
    }, SEARCH_DELAY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text, token]);
  const choose = (user: string): void => {
    const known = model.sorted.find(({ kind, name }) => kind === "direct" && name === user);
    model.show(known?.id ?? `@${user}`);
    setText("");
  };
  return (
    <div class="new">
      <input
        type="search"
        placeholder="Find somebody by name"
        aria-label="Find somebody"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
        }}
      />
      {text === "" ? null : (
        <div role="listbox" aria-label="People found">
          {found
            .filter(({ user }) => user !== model.me)
            .map(({ user, name }) => (
              <button
                key={user}
                role="option"
                aria-selected="false"
                class="quiet"
                onClick={() => {
                  choose(user);
                }}
              >
                {name === undefined ? user : `${name} (${user})`}
              </button>
            ))}
          {found.length === 0 ? <small class="nothing">Nobody found</small> : null}
        </div>
      )}
    </div>
  );
}

function NewGroup({ model, onDone }: { readonly model: ChatModel; readonly onDone: () => void }) {
  const [fault, setFault] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const members = field(form, "members")
      .split(/[\s,]+/)
      .filter((user) => user !== "");
    model.createGroup(field(form, "name"), members).then(onDone, (error: unknown) => {
      setFault(error instanceof Error ? error.message : String(error));
    });
  };
  return (
    <form class="new" onSubmit={submit}>
      <input
        name="name"
        placeholder="Name of the group"
        aria-label="Name of the group"
        required
        maxLength={128}
        autofocus
      />
      <input name="members" placeholder="Members, by user name" aria-label="Members" required />
      {fault === undefined ? null : (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="row">
        <button class="primary">Create group</button>
      </div>
    </form>
  );
}

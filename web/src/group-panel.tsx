import { useEffect, useState } from "preact/hooks";
import { field } from "./form.ts";
import { Fault } from "./fault.tsx";
import { explain, t } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import { MemberList } from "./member-list.tsx";
import type { ChatModel } from "./model.ts";
import { PeoplePicker } from "./people-picker.tsx";
import { getMembers } from "./rest.ts";
import { Sure } from "./sure.tsx";

interface Props {
  readonly model: ChatModel;
  readonly listed: ConversationRow;
  readonly token: string;
  readonly onClose: () => void;
}

/** The members of a group, and what the user may do with it. It lies over the thread. */
export function GroupPanel({ model, listed, token, onClose }: Props) {
  const [fault, setFault] = useState<string>();
  const [isLeaving, setLeaving] = useState(false);
  const members = useMembers(token, listed, setFault);
  const mayRemove = useCreator(model, listed);
  const act = (work: Promise<unknown>): void => {
    setFault(undefined);
    work.catch((error: unknown) => {
      setFault(explain(error));
    });
  };
  const rename = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    act(model.client.rename(listed.id, field(form, "name")).then(() => form.reset()));
  };
  return (
    <section
      class="panel"
      aria-label={t("group.members")}
      onKeyDown={({ key, defaultPrevented }) => {
        if (key === "Escape" && !defaultPrevented) onClose();
      }}
    >
      <header>
        <h3>{members === undefined ? t("group.members") : t("group.count", { count: members.length })}</h3>
        <button class="quiet icon" aria-label={t("settings.close")} onClick={onClose}>
          ×
        </button>
      </header>
      <Fault text={fault} />
      <PeoplePicker
        token={token}
        label={t("group.invite")}
        hint={t("group.inviteHint")}
        without={members ?? []}
        onChoose={(user) => {
          act(model.client.invite(listed.id, [user]));
        }}
      />
      <MemberList
        members={members ?? []}
        me={model.me}
        onRemove={
          mayRemove
            ? (user) => {
                act(model.client.remove(listed.id, [user]));
              }
            : undefined
        }
      />
      <footer>
        <form onSubmit={rename}>
          <input
            name="name"
            dir="auto"
            placeholder={t("group.newName")}
            aria-label={t("group.newName")}
            required
            maxLength={128}
          />
          <button>{t("group.rename")}</button>
        </form>
        <button
          class="danger"
          onClick={() => {
            setLeaving(true);
          }}
        >
          {t("group.leave")}
        </button>
      </footer>
      {isLeaving ? (
        <Sure
          question={t("group.leaveSure", { name: listed.name })}
          deed={t("group.leave")}
          onYes={() => {
            act(model.client.leave(listed.id));
          }}
          onClose={() => {
            setLeaving(false);
          }}
        />
      ) : null}
    </section>
  );
}

/** The members, asked for again when anything has happened in the group. Undefined until they are known. */
function useMembers(
  token: string,
  { id, head }: ConversationRow,
  onFault: (text: string | undefined) => void,
): readonly string[] | undefined {
  const [members, setMembers] = useState<readonly string[]>();
  useEffect(() => {
    let isAsked = true;
    getMembers(token, id).then(
      (found) => {
        if (isAsked) setMembers(found);
      },
      (error: unknown) => {
        if (isAsked) onFault(explain(error));
      },
    );
    // An answer that comes after the group has changed, or was left, is ignored.
    return () => {
      isAsked = false;
    };
  }, [head, id]);
  return members;
}

/**
 * Whether the user made the group: the server lets only its creator remove people. The first event that a
 * creator sees says so. Until it is known, nothing is offered that might be refused.
 */
function useCreator(model: ChatModel, { id, first }: ConversationRow): boolean {
  const [isCreator, setCreator] = useState(false);
  useEffect(() => {
    let isAsked = true;
    model.client.pull(id, { after: first - 1, limit: 1 }).then(
      ({ events: [event] }) => {
        if (isAsked) setCreator(event?.kind === "created" && event.from === model.me);
      },
      (error: unknown) => {
        console.warn("it is not known who made the group", error);
      },
    );
    return () => {
      isAsked = false;
    };
  }, [model, id, first]);
  return isCreator;
}

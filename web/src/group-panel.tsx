import { useEffect, useState } from "preact/hooks";
import { Face } from "./face.tsx";
import { Fault } from "./fault.tsx";
import { field } from "./form.ts";
import { explain, t } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import type { ChatModel } from "./model.ts";
import { PeoplePicker } from "./people-picker.tsx";
import { getMembers } from "./rest.ts";

interface Props {
  readonly model: ChatModel;
  readonly listed: ConversationRow;
  readonly token: string;
}

/** The members of a group, and the actions that the user has. */
export function GroupPanel({ model, listed, token }: Props) {
  const [members, setMembers] = useState<readonly string[]>([]);
  const [fault, setFault] = useState<string>();
  const act = (work: Promise<unknown>): void => {
    setFault(undefined);
    work.catch((error: unknown) => {
      setFault(explain(error));
    });
  };
  useEffect(() => {
    let isAsked = true;
    setFault(undefined);
    getMembers(token, listed.id).then(
      (found) => isAsked && setMembers(found),
      (error: unknown) => isAsked && setFault(explain(error)),
    );
    // An answer that comes after the group has changed, or was left, is ignored.
    return () => {
      isAsked = false;
    };
  }, [listed.head, listed.id]);
  const rename = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    act(model.client.rename(listed.id, field(form, "name")).then(() => form.reset()));
  };
  return (
    <section class="panel" aria-label={t("group.members")}>
      <ul class="members">
        {members.map((user) => (
          <li key={user}>
            <Face name={user} /> {user}
            {user === model.me ? null : (
              <button
                class="quiet"
                aria-label={t("group.removeMember", { user })}
                title={t("group.removeMember", { user })}
                onClick={() => {
                  act(model.client.remove(listed.id, [user]));
                }}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <PeoplePicker
        token={token}
        label={t("group.invite")}
        hint={t("group.inviteHint")}
        without={members}
        onChoose={(user) => {
          act(model.client.invite(listed.id, [user]));
        }}
      />
      <form onSubmit={rename}>
        <input
          name="name"
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
          if (confirm(t("group.leaveSure", { name: listed.name }))) act(model.client.leave(listed.id));
        }}
      >
        {t("group.leave")}
      </button>
      <Fault text={fault} />
    </section>
  );
}

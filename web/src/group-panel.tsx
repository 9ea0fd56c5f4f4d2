import { useSyncExternalStore } from "preact/compat";
import { useMemo, useState } from "preact/hooks";
import { mayRemoveMembers } from "@jichat/conversation/rights.ts";
import { field } from "./form.ts";
import { Fault } from "./fault.tsx";
import { explain, t } from "./i18n.ts";
import { MemberList } from "./member-list.tsx";
import type { ChatModel } from "./model.ts";
import { PeoplePicker } from "./people-picker.tsx";
import { Sure } from "./sure.tsx";

interface Props {
  readonly model: ChatModel;
  readonly id: string;
  readonly token: string;
  readonly onClose: () => void;
}

/**
 * The members of a group, and what the user may do with it. It stands beside the thread, or in its place if
 * there is no room.
 */
export function GroupPanel({ model, id, token, onClose }: Props) {
  const [fault, setFault] = useState<string>();
  const [isLeaving, setLeaving] = useState(false);
  const live = useMemo(() => model.members(id), [model, id]);
  const { members, creator, error } = useSyncExternalStore(live.subscribe, live.get);
  const users = useMemo(() => members.map(({ user }) => user), [members]);
  // Somebody is in a group that somebody sees: until there are members, they are not loaded yet.
  const isKnown = users.length > 0;
  const act = (work: Promise<unknown>): void => {
    setFault(undefined);
    work.catch((error: unknown) => {
      setFault(explain(error));
    });
  };
  const rename = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    act(model.client.rename(id, field(form, "name")).then(() => form.reset()));
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
        <h3>{isKnown ? t("group.count", { count: users.length }) : t("group.members")}</h3>
        <button class="quiet icon" aria-label={t("settings.close")} onClick={onClose}>
          ×
        </button>
      </header>
      <Fault text={fault ?? (error === undefined ? undefined : explain(error))} />
      <PeoplePicker
        token={token}
        label={t("group.invite")}
        hint={t("group.inviteHint")}
        without={users}
        onChoose={(user) => {
          act(model.client.invite(id, [user]));
        }}
      />
      <MemberList
        members={users}
        me={model.me}
        onRemove={
          mayRemoveMembers({ creator }, model.me)
            ? (user) => {
                act(model.client.remove(id, [user]));
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
          question={t("group.leaveSure", { name: model.conversation(id)?.name ?? "" })}
          deed={t("group.leave")}
          onYes={() => {
            act(model.client.leave(id).then(onClose));
          }}
          onClose={() => {
            setLeaving(false);
          }}
        />
      ) : null}
    </section>
  );
}

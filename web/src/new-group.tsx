import { useState } from "preact/hooks";
import { Fault } from "./fault.tsx";
import { field } from "./form.ts";
import { explain, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { PeoplePicker } from "./people-picker.tsx";
import { useNames } from "./people.ts";

interface Props {
  readonly model: ChatModel;
  readonly token: string;
  readonly onDone: () => void;
}

export function NewGroup({ model, token, onDone }: Props) {
  const [members, setMembers] = useState<readonly string[]>([]);
  const [fault, setFault] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const nameOf = useNames(members);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    model
      .createGroup(field(event.target as HTMLFormElement, "name"), members)
      .then(onDone, (error: unknown) => {
        setFault(explain(error));
        setBusy(false);
      });
  };
  return (
    <form class="new" onSubmit={submit}>
      <input
        name="name"
        dir="auto"
        placeholder={t("group.name")}
        aria-label={t("group.name")}
        required
        maxLength={128}
        autofocus
      />
      <PeoplePicker
        token={token}
        label={t("group.members")}
        hint={t("group.membersHint")}
        without={[model.me, ...members]}
        onChoose={(user) => {
          setMembers([...members, user]);
        }}
      />
      {members.length === 0 ? null : (
        <div class="chips">
          {members.map((user) => (
            <button
              key={user}
              type="button"
              class="chip"
              aria-label={t("people.remove", { user: nameOf(user) })}
              onClick={() => {
                setMembers(members.filter((other) => other !== user));
              }}
            >
              <bdi>{nameOf(user)}</bdi> <span aria-hidden="true">×</span>
            </button>
          ))}
        </div>
      )}
      <Fault text={fault} />
      <div class="row">
        <button class="primary" disabled={isBusy || members.length === 0}>
          {t("group.create")}
        </button>
      </div>
    </form>
  );
}

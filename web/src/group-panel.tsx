import { useEffect, useState } from "preact/hooks";
import { field } from "./form.ts";
import type { Listed } from "./listed.ts";
import type { ChatModel } from "./model.ts";
import { getMembers } from "./rest.ts";

interface Props {
  readonly model: ChatModel;
  readonly listed: Listed;
  readonly token: string;
  readonly onFault: () => void;
}

/** Who is in a group, and what one may do about it. */
export function GroupPanel({ model, listed, token, onFault }: Props) {
  const [members, setMembers] = useState<readonly string[]>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    getMembers(token, listed.id).then(setMembers, onFault);
  }, [listed.head, listed.id]);
  const act = (work: Promise<unknown>): void => {
    setFault(undefined);
    work.catch((error: unknown) => {
      setFault(error instanceof Error ? error.message : String(error));
    });
  };
  const submit =
    (then: (text: string) => Promise<unknown>) =>
    (event: SubmitEvent): void => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      act(then(field(form, "text")));
      form.reset();
    };
  return (
    <section class="panel" aria-label="Members">
      <span class="members">{members === undefined ? "…" : members.join(", ")}</span>
      <form onSubmit={submit((user) => model.client.invite(listed.id, [user]))}>
        <input name="text" placeholder="Invite by user name" aria-label="Invite" required />
        <button>Invite</button>
      </form>
      <form onSubmit={submit((name) => model.client.rename(listed.id, name))}>
        <input name="text" placeholder="New name" aria-label="New name" required maxLength={128} />
        <button>Rename</button>
      </form>
      <button
        onClick={() => {
          act(model.client.leave(listed.id));
        }}
      >
        Leave
      </button>
      {fault === undefined ? null : (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
    </section>
  );
}

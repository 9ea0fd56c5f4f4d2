import { useState } from "preact/hooks";
import { Fault } from "./fault.tsx";
import { field } from "./form.ts";
import { explain, t } from "./i18n.ts";
import type { Session } from "./rest.ts";
import { signIn, signUp } from "./rest.ts";

export function SignIn({ onSession }: { readonly onSession: (session: Session) => void }) {
  const [isNew, setNew] = useState(false);
  const [fault, setFault] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const [user, password] = [field(form, "user"), field(form, "password")];
    setBusy(true);
    setFault(undefined);
    const made = isNew ? signUp(user, password) : Promise.resolve();
    made
      .then(() => signIn(user, password))
      .then(onSession, (error: unknown) => {
        setFault(explain(error));
        setBusy(false);
      });
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>
          <img src="icon.svg" alt="" /> JiChat
        </h1>
        <p>{t(isNew ? "signIn.welcomeNew" : "signIn.welcome")}</p>
        <label>
          {t("signIn.user")}
          <input
            name="user"
            required
            pattern="[A-Za-z0-9_\-]{1,64}"
            title={t("signIn.userRule")}
            autocomplete="username"
            autofocus
          />
        </label>
        <label>
          {t("signIn.password")}
          <input
            name="password"
            type="password"
            required
            minLength={8}
            maxLength={256}
            autocomplete={isNew ? "new-password" : "current-password"}
          />
        </label>
        <Fault text={fault} />
        <div class="row">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setNew(!isNew);
              setFault(undefined);
            }}
          >
            {t(isNew ? "signIn.toSignIn" : "signIn.toSignUp")}
          </button>
          <button class="primary" disabled={isBusy}>
            {t(isNew ? "signIn.signUp" : "signIn.signIn")}
          </button>
        </div>
      </form>
    </main>
  );
}

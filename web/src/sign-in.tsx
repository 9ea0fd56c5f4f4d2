import { useState } from "preact/hooks";
import { field } from "./form.ts";
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
        setFault(error instanceof Error ? error.message : String(error));
        setBusy(false);
      });
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>
          <img src="icon.svg" alt="" /> JiChat
        </h1>
        <p>{isNew ? "Choose a name that others find you by." : "Welcome back."}</p>
        <label>
          User name
          <input
            name="user"
            required
            pattern="[A-Za-z0-9_\-]{1,64}"
            title="Letters, digits, - and _, at most 64"
            autocomplete="username"
            autofocus
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            required
            minLength={8}
            maxLength={256}
            autocomplete={isNew ? "new-password" : "current-password"}
          />
        </label>
        {fault === undefined ? null : (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="row">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setNew(!isNew);
              setFault(undefined);
            }}
          >
            {isNew ? "I have an account" : "Create an account"}
          </button>
          <button class="primary" disabled={isBusy}>
            {isNew ? "Sign up" : "Sign in"}
          </button>
        </div>
      </form>
    </main>
  );
}

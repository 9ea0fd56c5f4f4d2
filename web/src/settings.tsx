import { useEffect, useRef, useState } from "preact/hooks";
import { field } from "./form.ts";
import type { Language } from "./i18n.ts";
import { LANGUAGES, explain, language, speak, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { Notifying } from "./notifying.tsx";
import type { Session } from "./rest.ts";
import { changePassword, getProfile, rename } from "./rest.ts";
import { useShown } from "./shown.ts";
import { Sure } from "./sure.tsx";
import type { Theme } from "./theme.ts";
import { THEMES, theme, wear } from "./theme.ts";

interface Props {
  readonly model: ChatModel;
  readonly session: Session;
  readonly onSession: (session: Session) => void;
  readonly onLeave: () => void;
  readonly onClose: () => void;
}

/** Appearance, language, and the user's own account. */
export function Settings({ model, session, onSession, onLeave, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [said, setSaid] = useState<{ readonly text: string; readonly isFault: boolean }>();
  const [name, setName] = useState<string>();
  const [isLeaving, setLeaving] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
    getProfile(session.token).then(
      (profile) => {
        setName(profile.name ?? "");
      },
      (error: unknown) => {
        setSaid({ text: explain(error), isFault: true });
      },
    );
  }, []);
  const submit =
    (act: (form: HTMLFormElement) => Promise<unknown>) =>
    (event: SubmitEvent): void => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      act(form).then(
        () => {
          setSaid({ text: t("settings.saved"), isFault: false });
        },
        (error: unknown) => {
          setSaid({ text: explain(error), isFault: true });
        },
      );
    };
  const count = useShown(model, ({ outgoing }) => outgoing.all.length);
  const leave = (): void => {
    void model.outgoing.clear();
    onLeave();
  };
  return (
    <dialog ref={dialog} class="settings" aria-label={t("list.settings")} onClose={onClose}>
      <header>
        <h2>{t("list.settings")}</h2>
        <button
          class="quiet icon"
          aria-label={t("settings.close")}
          onClick={() => {
            dialog.current?.close();
          }}
        >
          ×
        </button>
      </header>
      <Looks />
      <Notifying session={session} />
      <form
        onSubmit={submit(async (form) => {
          const profile = await rename(session.token, field(form, "name"));
          setName(profile.name);
          model.renamed(profile);
        })}
      >
        <label>
          {t("settings.name")}
          <input name="name" dir="auto" value={name} disabled={name === undefined} required maxLength={128} />
        </label>
        <button>{t("settings.save")}</button>
      </form>
      <form
        onSubmit={submit(async (form) => {
          onSession(await changePassword(session, field(form, "old"), field(form, "new")));
          form.reset();
        })}
      >
        <input name="user" autocomplete="username" value={session.user} hidden readOnly />
        <label>
          {t("settings.oldPassword")}
          <input
            name="old"
            type="password"
            autocomplete="current-password"
            required
            minLength={8}
            maxLength={256}
          />
        </label>
        <label>
          {t("settings.newPassword")}
          <input
            name="new"
            type="password"
            autocomplete="new-password"
            required
            minLength={8}
            maxLength={256}
          />
        </label>
        <button>{t("settings.changePassword")}</button>
      </form>
      <p class={said?.isFault === true ? "fault" : "said"} role="status">
        {said?.text}
      </p>
      <button
        class="danger"
        onClick={() => {
          if (count > 0) setLeaving(true);
          else leave();
        }}
      >
        {t("settings.signOut")}
      </button>
      {isLeaving ? (
        <Sure
          question={t("settings.signOutSure", { count })}
          deed={t("settings.signOut")}
          onYes={leave}
          onClose={() => {
            setLeaving(false);
          }}
        />
      ) : null}
    </dialog>
  );
}

function Looks() {
  const [worn, setWorn] = useState(theme);
  return (
    <div class="looks">
      <label>
        {t("settings.appearance")}
        <select
          value={worn}
          onChange={(event) => {
            const chosen = event.currentTarget.value as Theme;
            wear(chosen);
            setWorn(chosen);
          }}
        >
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {t(`settings.${name}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("settings.language")}
        <select value={language()} onChange={(event) => void speak(event.currentTarget.value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

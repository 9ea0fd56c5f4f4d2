import { t } from "./i18n.ts";
import { useOnline } from "./online.ts";

/** What is shown before the server has been reached: nothing for long, unless there is no network. */
export function Door({ isUnreachable }: { readonly isUnreachable: boolean }) {
  const isOnline = useOnline();
  const isAway = isUnreachable || !isOnline;
  return (
    <main class="door">
      <img src="icon.svg" alt="" />
      <p role="status">
        {isAway ? <b>{t(isOnline ? "app.needsServer" : "app.offline")}</b> : t("app.connecting")}
      </p>
      {isAway ? <p class="dim">{t("app.triesAgain")}</p> : null}
    </main>
  );
}

import { useEffect, useState } from "preact/hooks";
import { explain, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";

/** Interruptions shorter than this are not shown. */
const PATIENCE_MS = 700;

export function Banner({
  model,
  onAgain,
  onLeave,
}: {
  readonly model: ChatModel;
  readonly onAgain: () => void;
  readonly onLeave: () => void;
}) {
  const isAway = model.connection === "offline" || model.connection === "connecting";
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!isAway) return undefined;
    const timer = setTimeout(() => {
      setLong(true);
    }, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [isAway]);
  if (model.connection === "closed") {
    const code = model.closedBy?.code;
    const isReplaced = code === "CONFLICT";
    return (
      <div class="banner" role="alert">
        {isReplaced
          ? t("banner.replaced")
          : model.closedBy === undefined
            ? t("banner.closed")
            : explain(model.closedBy)}
        {isReplaced ? (
          <button onClick={onAgain}>{t("banner.useHere")}</button>
        ) : (
          <button onClick={onLeave}>{t("banner.again")}</button>
        )}
      </div>
    );
  }
  return isAway && isLong ? (
    <div class="banner" role="status">
      {t("banner.reconnecting")}
    </div>
  ) : null;
}

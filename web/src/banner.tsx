import { useEffect, useReducer, useState } from "preact/hooks";
import { explain, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { useOnline } from "./online.ts";
import { useShown } from "./shown.ts";

/** Interruptions shorter than this are not shown, unless the browser itself says that its network is gone. */
const PATIENCE_MS = 700;
const TICK_MS = 250;

interface Props {
  readonly model: ChatModel;
  readonly onAgain: () => void;
  readonly onLeave: () => void;
}

/** Says that there is no connection, and what happens next. */
export function Banner({ model, onAgain, onLeave }: Props) {
  const isOnline = useOnline();
  const connection = useShown(model, (shown) => shown.connection);
  const isAway = connection === "offline" || connection === "connecting";
  const isLong = useLong(isAway);
  if (connection === "closed") return <Ended model={model} onAgain={onAgain} onLeave={onLeave} />;
  if (!(isAway && isLong) && isOnline) return null;
  return (
    <div class="banner">
      <span role="status">{t(isOnline ? "banner.away" : "banner.offline")}</span>
      <Retry model={model} />
    </div>
  );
}

/** When the client tries again. It changes each second, so screen readers are not told. */
function Retry({ model }: Pick<Props, "model">) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const ticking = setInterval(() => {
      tick(undefined);
    }, TICK_MS);
    return () => {
      clearInterval(ticking);
    };
  }, []);
  const { retryInMs } = model;
  if (retryInMs === undefined) return <span class="when">{t("banner.trying")}</span>;
  return (
    <>
      <span class="when">{t("banner.retryIn", { count: Math.ceil(retryInMs / 1_000) })}</span>
      <button
        onClick={() => {
          model.client.retry();
        }}
      >
        {t("banner.retry")}
      </button>
    </>
  );
}

function useLong(isAway: boolean): boolean {
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
  return isLong;
}

/** The client is closed for good: another tab has its device, or the sign-in has ended. */
function Ended({ model, onAgain, onLeave }: Props) {
  const closedBy = useShown(model, (shown) => shown.closedBy);
  const isReplaced = closedBy?.code === "CONFLICT";
  return (
    <div class="banner" role="alert">
      <span>
        {isReplaced ? t("banner.replaced") : closedBy === undefined ? t("banner.closed") : explain(closedBy)}
      </span>
      {isReplaced ? (
        <button onClick={onAgain}>{t("banner.useHere")}</button>
      ) : (
        <button onClick={onLeave}>{t("banner.again")}</button>
      )}
    </div>
  );
}

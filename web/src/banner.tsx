import { useEffect, useState } from "preact/hooks";
import type { ChatModel } from "./model.ts";

/** A short blink of the network is not worth a word. */
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
          ? "This device is open in another tab."
          : (model.closedBy?.message ?? "The connection was closed.")}
        {isReplaced ? (
          <button onClick={onAgain}>Use it here</button>
        ) : (
          <button onClick={onLeave}>Sign in again</button>
        )}
      </div>
    );
  }
  return isAway && isLong ? (
    <div class="banner" role="status">
      Reconnecting … what you write is kept and sent as soon as you are back.
    </div>
  ) : null;
}

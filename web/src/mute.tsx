import { useRef, useState } from "preact/hooks";
import { Bell } from "./bell.tsx";
import { momentOf, tomorrowAfter } from "./dates.ts";
import { t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { useShown } from "./shown.ts";

const HOUR_MS = 3_600_000;

interface Props {
  readonly model: ChatModel;
  readonly id: string;
  readonly onFault: (error: unknown) => void;
}

/** Mutes a conversation for the reader, on all of their devices, and ends that. */
export function Mute({ model, id, onFault }: Props) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const muted = useShown(model, (shown) => shown.conversation(id)?.muted);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const act = (work: Promise<unknown>): void => {
    close();
    work.catch(onFault);
  };
  const mute = (until?: number): void => {
    act(model.client.mute(id, { until }));
  };
  const now = model.client.serverTime();
  return (
    <div
      class="mute"
      onKeyDown={(event) => {
        if (!isOpen || event.key !== "Escape") return;
        event.preventDefault();
        close();
      }}
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setOpen(false);
      }}
    >
      <button
        ref={button}
        class="quiet icon"
        aria-label={muted === undefined ? t("mute.mute") : t("mute.muted")}
        aria-expanded={isOpen}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        <Bell isMuted={muted !== undefined} />
      </button>
      {isOpen ? (
        <div class="choices" role="group" aria-label={t("mute.mute")}>
          {muted === undefined ? (
            <>
              <button
                class="quiet"
                onClick={() => {
                  mute(now + HOUR_MS);
                }}
              >
                {t("mute.hour")}
              </button>
              <button
                class="quiet"
                onClick={() => {
                  mute(tomorrowAfter(now));
                }}
              >
                {t("mute.tomorrow")}
              </button>
              <button
                class="quiet"
                onClick={() => {
                  mute();
                }}
              >
                {t("mute.always")}
              </button>
            </>
          ) : (
            <>
              <p>
                {muted.until === undefined
                  ? t("mute.muted")
                  : t("mute.until", { when: momentOf(muted.until) })}
              </p>
              {muted.mentionsOnly === true ? <p>{t("mute.mentions")}</p> : null}
              <button
                class="quiet"
                onClick={() => {
                  act(model.client.unmute(id));
                }}
              >
                {t("mute.end")}
              </button>
            </>
          )}
        </div>
      ) : null}
    </div>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { Preview } from "@jichat/protocol/bus/push-registration.ts";
import { explain, t } from "./i18n.ts";
import { hasNotifications, isNotifying, setNotifying } from "./notifications.ts";
import type { PushState } from "./push.ts";
import { hasPush, pushState, turnOff, turnOn } from "./push.ts";
import type { Session } from "./rest.ts";

const PREVIEWS = ["text", "sender", "none"] as const satisfies readonly Preview[];

interface Props {
  readonly session: Session;
}

/** Turns push and the notifications of a hidden tab on and off: with push on, the tab need show none. */
export function Notifying({ session }: Props) {
  const { state, preview, fault, isBusy, act, choose } = usePushState(session);
  const [isRefused, setRefused] = useState(isDenied);
  const look = (): void => {
    setRefused(isDenied());
  };
  useEffect(look, [state]);
  const said = useId();
  const canTurn = state?.is === "on" || state?.is === "off";
  return (
    <div class="looks one">
      {canTurn ? (
        <Row title={t("push.label")} text={t(state.is === "on" ? "push.isOn" : "push.isOff")} textId={said}>
          <button
            disabled={isBusy}
            aria-describedby={said}
            onClick={() => {
              act(state.is === "on" ? turnOff(session) : turnOn(session, preview));
            }}
          >
            {t(state.is === "on" ? "push.turnOff" : "push.turnOn")}
          </button>
        </Row>
      ) : null}
      {canTurn ? (
        <label>
          {t("push.preview")}
          <select
            value={preview}
            disabled={isBusy}
            onChange={(event) => {
              const chosen = event.currentTarget.value as Preview;
              choose(chosen);
              if (state.is === "on") act(turnOn(session, chosen));
            }}
          >
            {PREVIEWS.map((name) => (
              <option key={name} value={name}>
                {t(`push.${name}`)}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      {state?.is === "unsupported" || state?.is === "unoffered" ? (
        <p class="dim">{t(`push.${state.is}`)}</p>
      ) : null}
      {!hasNotifications() || state?.is === "on" ? null : <WhileHidden {...{ isRefused }} onAsked={look} />}
      {isRefused ? <p class="dim">{t("settings.notifyRefused")}</p> : null}
      <p class="fault" role="status">
        {fault === undefined ? null : t("push.failed", { reason: fault })}
      </p>
    </div>
  );
}

const isDenied = (): boolean => hasNotifications() && Notification.permission === "denied";

/** The state of push, and what was last asked of it. */
function usePushState(session: Session) {
  // Whether the cluster offers it has to be asked; what the browser cannot do is known.
  const [state, setState] = useState<PushState | undefined>(hasPush() ? undefined : { is: "unsupported" });
  const [preview, choose] = useState<Preview>("text");
  const [fault, setFault] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const act = (work: Promise<PushState>): void => {
    setFault(undefined);
    setBusy(true);
    work
      .then((next) => {
        setState(next);
        if (next.is === "on") choose(next.preview);
      })
      .catch((error: unknown) => {
        setFault(explain(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  useEffect(() => {
    if (hasPush()) act(pushState(session));
  }, []);
  return { state, preview, fault, isBusy, act, choose };
}

interface RowProps {
  readonly title: string;
  readonly text: string;
  readonly textId: string;
  readonly children: ComponentChildren;
}

function Row({ title, text, textId, children }: RowProps) {
  return (
    <div class="with-button">
      <div>
        <b>{title}</b>
        <p class="dim" id={textId}>
          {text}
        </p>
      </div>
      {children}
    </div>
  );
}

interface WhileHiddenProps {
  readonly isRefused: boolean;
  readonly onAsked: () => void;
}

function WhileHidden({ isRefused, onAsked }: WhileHiddenProps) {
  const [isOn, setOn] = useState(isNotifying);
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        disabled={isRefused}
        onChange={(event) => {
          void setNotifying(event.currentTarget.checked).then(setOn).then(onAsked);
        }}
      />
      {t("settings.notify")}
    </label>
  );
}

import { useEffect, useRef } from "preact/hooks";
import { t } from "./i18n.ts";

interface Props {
  readonly question: string;
  /** The name of the deed, on the button that does it. */
  readonly deed: string;
  readonly onYes: () => void;
  /** Called once the dialog is closed, whatever was answered. */
  readonly onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Sure({ question, deed, onYes, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const close = (): void => {
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="sure" role="alertdialog" aria-label={question} onClose={onClose}>
      <p dir="auto">{question}</p>
      <div class="row">
        <button class="quiet" autofocus onClick={close}>
          {t("composer.cancel")}
        </button>
        <button
          class="danger"
          onClick={() => {
            close();
            onYes();
          }}
        >
          {deed}
        </button>
      </div>
    </dialog>
  );
}

import { useEffect, useReducer, useState } from "preact/hooks";
import { Chat } from "./chat.tsx";
import { Door } from "./door.tsx";
import { onLanguage } from "./i18n.ts";
import { usePush } from "./push.ts";
import { forgetSession, keepSession, restoreSession } from "./page-rest.ts";
import type { Session } from "./rest.ts";
import { signOut } from "./rest.ts";
import { SignIn } from "./sign-in.tsx";

/** An earlier version kept the token here, where every script of the origin could read it. */
const EARLIER_KEY = "jichat-session";
const RETRY_MS = 2_000;

/** Undefined while it is not known whether somebody is signed in; null if nobody is. */
type Known = Session | null | undefined;

/** The signed-in user's chat, or the way in. The token is in memory only. */
export function App() {
  const [session, setSession] = useState<Known>();
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(
    () =>
      onLanguage(() => {
        draw(undefined);
      }),
    [],
  );
  const isUnreachable = useRestored(session, setSession);
  usePush(session);
  const enter = (made: Session): void => {
    setSession(made);
    keepSession(made).catch((error: unknown) => {
      console.warn("this sign-in ends with the page", error);
    });
  };
  const leave = (): void => {
    if (session !== null && session !== undefined)
      signOut(session.token).catch((error: unknown) => {
        console.warn("the token expires by itself", error);
      });
    forgetSession().catch((error: unknown) => {
      console.warn("the browser keeps the session's cookie, whose token is void", error);
    });
    history.replaceState(null, "", location.pathname);
    setSession(null);
  };
  if (session === undefined) return <Door isUnreachable={isUnreachable} />;
  if (session === null) return <SignIn onSession={enter} />;
  return <Chat session={session} onSession={enter} onLeave={leave} />;
}

/**
 * Asks for the session that the browser keeps, until there is an answer. Returns whether a try has failed.
 */
function useRestored(session: Known, onKnown: (session: Known) => void): boolean {
  const [isUnreachable, setUnreachable] = useState(false);
  useEffect(() => {
    if (session !== undefined) return undefined;
    localStorage.removeItem(EARLIER_KEY);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const ask = (): void => {
      clearTimeout(timer);
      restoreSession().then(
        (restored) => {
          if (!isOver) onKnown(restored ?? null);
        },
        () => {
          if (isOver) return;
          setUnreachable(true);
          timer = setTimeout(ask, RETRY_MS);
        },
      );
    };
    ask();
    addEventListener("online", ask);
    return () => {
      isOver = true;
      clearTimeout(timer);
      removeEventListener("online", ask);
    };
  }, [session === undefined]);
  return isUnreachable;
}

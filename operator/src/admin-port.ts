import { request } from "undici";

const ADMIN_TIMEOUT_MS = 1_500;
/** The number of pods that are asked at once. A pod answers within milliseconds, or not at all. */
const AT_ONCE = 50;

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
}

interface AdminWrite {
  readonly method: "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Asks an admin port, within `ADMIN_TIMEOUT_MS`. Throws if there is no answer. A pass asks all pods, so this
 * is no `fetch`, which takes twice the CPU.
 */
export async function askAdmin(url: string, write?: AdminWrite): Promise<AdminAnswer> {
  const { statusCode, body } = await request(url, {
    ...write,
    signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
  });
  return { status: statusCode, text: await body.text() };
}

export const isOk = ({ status }: AdminAnswer): boolean => status >= 200 && status < 300;

/** The answer to a GET at a pod's admin port; undefined if there is none, or if its status is not 2xx. */
export async function said(url: string): Promise<string | undefined> {
  try {
    const answer = await askAdmin(url);
    return isOk(answer) ? answer.text : undefined;
  } catch {
    return undefined; // The pod is starting or ending. The next pass asks the pods that are there then.
  }
}

/** Asks all pods, with a bound on how many at once. The answers are in the order of the pods. */
export async function askAll<P, T>(pods: readonly P[], ask: (pod: P) => Promise<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for (let at = 0; at < pods.length; at += AT_ONCE)
    all.push(...(await Promise.all(pods.slice(at, at + AT_ONCE).map(ask))));
  return all;
}

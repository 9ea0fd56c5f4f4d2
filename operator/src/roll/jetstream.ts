import type { NatsConnection } from "@nats-io/transport-node";

const TIMEOUT_MS = 2_000;

/** A part of an answer of JetStream's API. */
export interface Answer {
  readonly error?: { readonly description?: string };
}
/** A page of a list. */
export interface Page extends Answer {
  readonly total?: number;
}

/** One request to JetStream's API. Throws what JetStream refuses. */
export async function ask<T extends Answer>(
  nats: NatsConnection,
  subject: string,
  body: object = {},
): Promise<T> {
  const reply = await nats.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: TIMEOUT_MS });
  const answer = reply.json<T>();
  if (answer.error !== undefined) throw new Error(answer.error.description ?? "JetStream refuses");
  return answer;
}

/** All items of a list, page by page. */
export async function listed<P extends Page, T>(
  nats: NatsConnection,
  subject: string,
  itemsOf: (page: P) => readonly T[],
): Promise<readonly T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await ask<P>(nats, subject, { offset: all.length });
    const items = itemsOf(page);
    all.push(...items);
    if (items.length === 0 || all.length >= (page.total ?? 0)) return all;
  }
}

type Names = Page & { readonly streams?: readonly string[] | null };

/** The names of all streams of the account. */
export const streamNames = async (nats: NatsConnection): Promise<readonly string[]> =>
  listed<Names, string>(nats, "STREAM.NAMES", ({ streams }) => streams ?? []);

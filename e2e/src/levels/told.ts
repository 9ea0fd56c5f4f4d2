import assert from "node:assert/strict";
import { callRest } from "@jichat/client/rest.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { patiently } from "../crowd.ts";
import { mint } from "../mint.ts";
import type { Frame } from "../raw.ts";
import { Raw } from "../raw.ts";

/** Small enough that there are several pages. */
const LIST_LIMIT = 2;
const PAGE_LIMIT = 7;
export const ENCODINGS = ["jichat.v1.json", "jichat.v1.msgpack"] as const;

/** Everything that the cluster tells one person, without cursors and trace ids. */
export interface Told {
  readonly profile: unknown;
  readonly list: readonly unknown[];
  /** Keyed by conversation: what is told about it, or the error code that this person gets. */
  readonly conversations: Readonly<Record<string, ToldConversation | string>>;
}
export interface ToldConversation {
  readonly first: number;
  readonly head: number;
  readonly events: readonly unknown[];
  /** The members, if the person is one of them; otherwise the error code. */
  readonly members: unknown;
}

interface PageOf {
  readonly events: readonly { readonly seq: number }[];
  readonly first: number;
  readonly head: number;
  readonly more: boolean;
}
interface ListOf {
  readonly items: readonly unknown[];
  readonly more: boolean;
  readonly next?: string;
}
/** One of the interfaces by which a person can ask. */
interface Way {
  list(page: string | undefined): Promise<ListOf>;
  page(conversation: string, where: Readonly<Record<string, number>>): Promise<PageOf>;
  close(): void;
}

/**
 * The present answer, without fields that the earlier answer did not have. A later version may add fields,
 * but not to what people wrote themselves.
 */
export function asTold(now: unknown, was: unknown): unknown {
  if (Array.isArray(now) && Array.isArray(was)) return now.map((item, at) => asTold(item, was[at]));
  if (!isFields(now) || !isFields(was)) return now;
  const known = Object.entries(now).filter(([key]) => key in was);
  return Object.fromEntries(
    known.map(([key, value]) => [key, key === "body" ? value : asTold(value, was[key])]),
  );
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The answers to a person. Throws if JSON, MessagePack and REST differ. */
export async function toldTo(
  stack: Stack,
  user: string,
  conversations: readonly string[],
  withHistory = true,
): Promise<Told> {
  const token = mint(stack.secrets.signingKeyFile, { sub: user });
  const ways = [
    ...(await Promise.all(ENCODINGS.map((e) => socketWay(stack, token, e)))),
    restWay(stack, token),
  ];
  const accounts = await Promise.all(
    ways.map(async (way) => {
      const list = await wholeList(way);
      const told: Record<string, Omit<ToldConversation, "members"> | string> = {};
      for (const conversation of withHistory ? conversations : [])
        told[conversation] = await orCode(async () => wholeHistory(way, conversation));
      way.close();
      return { list, told };
    }),
  );
  const [one, ...others] = accounts;
  assert.ok(one !== undefined);
  for (const other of others) assert.deepEqual(other, one, `${user} is told the same, however they ask`);
  const ask = async <T>(path: string): Promise<T> => callRest<T>("GET", path, { api: stack.apiUrl, token });
  const whole: Record<string, ToldConversation | string> = {};
  for (const [conversation, told] of Object.entries(one.told)) {
    const members = orCode(
      async () => (await ask<ListOf>(`/v1/conversations/${conversation}/members`)).items,
    );
    whole[conversation] = typeof told === "string" ? told : { ...told, members: await members };
  }
  const { traceId: _, ...profile } = await ask<Frame>("/v1/me");
  return { profile, list: one.list, conversations: whole };
}

async function orCode<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await patiently(ask);
  } catch (error) {
    if (error instanceof ChatError && error.code === "NOT_FOUND") return error.code;
    throw error;
  }
}

async function wholeList(way: Way): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  let page: string | undefined;
  do {
    const found = await patiently(async () => way.list(page));
    items.push(...found.items);
    page = found.more ? found.next : undefined;
  } while (page !== undefined);
  return items;
}

/** Reads the history forwards and backwards. The pages have different boundaries, and must agree. */
async function wholeHistory(way: Way, conversation: string): Promise<Omit<ToldConversation, "members">> {
  const newest = await way.page(conversation, { limit: PAGE_LIMIT });
  const { first, head } = newest;
  const back = [...newest.events];
  for (let { more } = newest; more;) {
    const before = back[0]?.seq ?? 0;
    const page = await way.page(conversation, { before, limit: PAGE_LIMIT });
    back.unshift(...page.events);
    ({ more } = page);
  }
  const forth: PageOf["events"][number][] = [];
  for (let more = true; more;) {
    const after = forth.at(-1)?.seq ?? first - 1;
    const page = await way.page(conversation, { after, limit: PAGE_LIMIT });
    forth.push(...page.events);
    ({ more } = page);
  }
  assert.deepEqual(forth, back, `the history of ${conversation} is the same in both directions`);
  return { first, head, events: forth };
}

async function socketWay(stack: Stack, token: string, encoding: string): Promise<Way> {
  const socket = new Raw(stack.wsUrls[0] ?? "", [encoding]);
  const device = `probe-${encoding.slice(-4)}`;
  assert.equal((await socket.hello(token, device)).t, "welcome");
  let asked = 0;
  const ask = async (frame: Readonly<Record<string, unknown>>): Promise<Frame> => {
    asked += 1;
    return answered(await socket.ask({ ...frame, id: `probe-${asked}` }));
  };
  return {
    list: async (page) => {
      const { conversations, ...rest } = await ask({ t: "sync", limit: LIST_LIMIT, ...(page && { page }) });
      return { ...rest, items: conversations } as unknown as ListOf;
    },
    page: async (conversation, where) =>
      (await ask({ t: "pull", conversation, ...where })) as unknown as PageOf,
    close: () => {
      socket.close();
    },
  };
}

/** Throws if the frame is an `error`. */
export function answered(frame: Frame): Frame {
  if (frame.t !== "error") return frame;
  const { code, message, retryAfterMs } = frame;
  const again = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
  throw new ChatError(code as ChatError["code"], String(message), again);
}

function restWay(stack: Stack, token: string): Way {
  const ask = async <T>(path: string, query: Readonly<Record<string, string | number>>): Promise<T> => {
    const text = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
    return callRest<T>("GET", `${path}?${text.toString()}`, { api: stack.apiUrl, token });
  };
  return {
    list: async (page) => ask("/v1/conversations", { limit: LIST_LIMIT, ...(page && { page }) }),
    page: async (conversation, where) => ask(`/v1/conversations/${conversation}/events`, where),
    close: () => undefined,
  };
}

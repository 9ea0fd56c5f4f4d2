import { ChatError } from "@jichat/protocol/errors.ts";
import type { Api } from "../account.ts";
import { connectors } from "../account.ts";
import { ChatClient } from "../chat-client.ts";
import { isSeen } from "../option-faults.ts";
import { restDirectory } from "../rest-directory.ts";
import { REAL } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Body, ChatOptions, SeenState } from "../types.ts";
import { Chat } from "./chat.ts";
import { Keeper, SEEN } from "./keeper.ts";
import { memoryStore } from "./store.ts";
import type { Directory, Store } from "./types.ts";

/** Lines that a thread holds. More are paged in, and those at the other end are dropped. */
const LINES_MIN = 10;
const LINES_MAX = 500;
/** Room for as many messages as may be pending, and for other writes. */
const OUTBOX_MAX = 2_000;
const URLS = "urls";

export interface OpenOptions extends Omit<ChatOptions, "resume" | "echo" | "urls"> {
  /** Who is signed in: the `sub` of the token. */
  readonly user: string;
  /** The URLs of the connectors. Default: those that the REST interface names, or named last. */
  readonly urls?: readonly string[] | undefined;
  /** Where the REST interface is, as an origin. A page that the api itself serves leaves it out. */
  readonly api?: string | undefined;
  /** Where unsent messages, the list and what was seen survive a restart. Default: nowhere. */
  readonly store?: Store | undefined;
  /** Asks for names and members. Default: the REST interface, which asks for a `token` of its own. */
  readonly directory?: Directory | undefined;
  /** Lines that a thread holds, at least 10. Default 500. */
  readonly linesMax?: number | undefined;
}

/**
 * Opens a chat: reads the store, shows what it kept, connects in the background, and sends what was unsent.
 * Rejects if the store does, and with UNAVAILABLE if nobody says where the connectors are. `around` is for
 * tests.
 */
export async function openChat<B extends object = Body>(
  options: OpenOptions,
  around: Surroundings = REAL,
): Promise<Chat<B>> {
  const { user, api, store = memoryStore(), linesMax = LINES_MAX, urls, directory, ...rest } = options;
  if (!Number.isSafeInteger(linesMax) || linesMax < LINES_MIN)
    throw new ChatError("INVALID", `\`linesMax\` is ${linesMax}: it is at least ${LINES_MIN}`);
  const where: Api = api === undefined ? {} : { api };
  const keeper = new Keeper({
    store,
    prefix: `jichat/1/${user}/${rest.device}/`,
    clock: around.clock,
  });
  const kept = await keeper.read();
  const found = urls ?? (await connectorsOf(where, kept.get(URLS)));
  if (urls === undefined) keeper.set(URLS, found);
  const seen = seenOf(kept.get(SEEN));
  const client = new ChatClient<B>(
    { outboxMax: OUTBOX_MAX, ...rest, user, urls: found, echo: true, resume: seen },
    around,
  );
  const chat = new Chat<B>({
    client,
    user,
    clock: around.clock,
    keeper,
    kept: seen === undefined ? without(kept, SEEN) : kept,
    directory: directory ?? restDirectory(rest.token, where, around.clock),
    linesMax,
    page: around.page,
  });
  // The status has the reason if it fails, and the client goes on trying.
  client.connect().catch(() => undefined);
  return chat;
}

/** Asks where the connectors are. Without an answer, those that were named last are tried. */
async function connectorsOf(api: Api, kept: unknown): Promise<readonly string[]> {
  try {
    return await connectors(api);
  } catch (thrown) {
    if (Array.isArray(kept) && kept.every((url) => typeof url === "string")) return kept;
    throw thrown;
  }
}

/** What an earlier run has seen. Without it, or if it is not ours, this run begins anew. */
const seenOf = (value: unknown): SeenState | undefined => (isSeen(value) ? (value as SeenState) : undefined);

const without = (kept: ReadonlyMap<string, unknown>, name: string): ReadonlyMap<string, unknown> =>
  new Map([...kept].filter(([key]) => key !== name));

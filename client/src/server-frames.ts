import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";

type Test = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Test>>;

const isText: Test = (value) => typeof value === "string";
const isFlag: Test = (value) => typeof value === "boolean";
/** A position, or a number of things. */
const isCount: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
/** A time or a duration: servers may send fractions of a millisecond. */
const isTime: Test = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isMoreThanNothing: Test = (value) => isTime(value) && Number(value) > 0;
const absentOr =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);
const mapOf =
  (shape: Shape): Test =>
  (value) =>
    isMap(value) && wrongField(value, shape) === undefined;

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const wrongField = (map: Readonly<Record<string, unknown>>, shape: Shape): string | undefined =>
  Object.keys(shape).find((name) => shape[name]?.(map[name]) !== true);

const EVENT: Shape = {
  conversation: isText,
  seq: (value) => isCount(value) && value !== 0,
  no: isCount,
  kind: isText,
  from: isText,
  ts: isTime,
  id: absentOr(isText),
  users: absentOr(listOf(isText)),
};
const MUTED: Test = absentOr(mapOf({ until: absentOr(isTime), mentionsOnly: absentOr(isFlag) }));
const LISTED: Shape = {
  conversation: isText,
  first: isCount,
  head: isCount,
  muted: MUTED,
  settingsAt: absentOr(isCount),
};
const LEFT: Shape = { conversation: isText, left: isCount };

/** The fields that this client relies on, of each frame that it knows. */
const FRAMES: Readonly<Record<ServerFrame["t"], Shape>> = {
  welcome: {
    user: isText,
    ticket: isText,
    ticketExpiresAt: isTime,
    heartbeatMs: isMoreThanNothing,
    limits: mapOf({ frameBytes: isMoreThanNothing, bodyBytes: isMoreThanNothing }),
    serverTime: isTime,
  },
  ack: { id: isText, conversation: isText, seq: isCount, ts: isTime, traceId: isText },
  event: EVENT,
  receipt: { conversation: isText, user: isText, seq: isCount },
  settings: { conversation: isText, muted: MUTED, at: isCount },
  synced: {
    id: isText,
    conversations: listOf((value) => mapOf(isMap(value) && "left" in value ? LEFT : LISTED)(value)),
    cursor: isText,
    more: isFlag,
    next: absentOr(isText),
  },
  page: {
    id: isText,
    conversation: isText,
    events: listOf(mapOf(EVENT)),
    first: isCount,
    head: isCount,
    more: isFlag,
  },
  ticket: { id: absentOr(isText), ticket: isText, ticketExpiresAt: isTime },
  pong: { id: absentOr(isText), serverTime: isTime },
  gap: { conversation: absentOr(isText), head: absentOr(isCount) },
  goaway: { reconnectAfterMs: isTime, ticket: isText },
  error: { id: absentOr(isText), code: isText, message: isText, retryAfterMs: absentOr(isTime) },
};

const isKnown = (t: unknown): t is ServerFrame["t"] => typeof t === "string" && Object.hasOwn(FRAMES, t);

/**
 * Checks a frame of the server. Returns undefined for a frame of a later version. Throws if the frame breaks
 * the protocol: then nothing that this server says can be trusted.
 */
export function readServerFrame(value: unknown): ServerFrame | undefined {
  if (!isMap(value) || !isText(value["t"])) throw new Error("the server sent a message that is not a frame");
  const { t } = value;
  if (!isKnown(t)) return undefined;
  const wrong = wrongField(value, FRAMES[t]);
  if (wrong !== undefined) throw new Error(`the server's ${t} has a wrong \`${wrong}\``);
  return value as unknown as ServerFrame;
}

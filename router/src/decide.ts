import type { Write, Command } from "@jichat/conversation/command.ts";
import { isWrite } from "@jichat/conversation/command.ts";
import type { AnyEventVerb, AnyMarkVerb, AnySettingVerb, Draft, Look } from "@jichat/conversation/verb.ts";
import { notFound } from "@jichat/conversation/verb.ts";
import { KINDS, verbOf } from "@jichat/conversation/tables.ts";
import type { Accepted, Refused } from "@jichat/protocol/bus/command.ts";
import { refusalOf } from "@jichat/protocol/bus/command.ts";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { ID_CLOCK_SKEW_MS, RECENT_EVENTS_MAX, RECENT_MS } from "@jichat/protocol/limits.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { Conversation } from "./conversation.ts";
import { timeOfUuid } from "./packed-id.ts";
import type { KnownId, RecentEvents } from "./recent-events.ts";
import { eventKey, idKey } from "./recent-events.ts";

/** What storage must be asked before the command can be decided, since memory does not hold it. */
export type Need = { readonly id: string; readonly user: string } | { readonly seq: number };

export type Decision =
  | { readonly records: readonly LogRecord[]; readonly answer: Accepted }
  | { readonly refused: Refused }
  | { readonly need: Need };

/** A command that is decided on a conversation: any but `where`. */
export type Decidable = Exclude<Command, { readonly op: "where" }>;
/** A write that has an id. */
type Identified = Exclude<Write, { readonly op: "read" }>;

/** While a cluster is upgraded, edges may know verbs that their owners do not. */
const unknown = ({ op }: { readonly op: string }): ChatError =>
  new ChatError("FRAME_UNKNOWN", `unknown frame type ${JSON.stringify(op)}`);

class Needed extends Error {
  readonly need: Need;
  constructor(need: Need) {
    super("needs storage");
    this.need = need;
  }
}

/**
 * Decides one command on the state after every earlier command. Pure. The verb decides what is allowed and
 * which events it makes. This function adds ids, seqs, times and notes.
 */
export function decide(conversation: Conversation, command: Decidable, now: number): Decision {
  try {
    if (command.op === "look") return look(conversation, command.user);
    if (!isWrite(command)) throw unknown(command);
    const verb = verbOf(command.op);
    const ts = Math.max(now, conversation.ts);
    if (verb.marks) return mark(conversation, command, verb, ts);
    // Every verb except one that marks has an id in its frame.
    const write = command as Identified;
    const known = knownId(conversation, write, now);
    if (known !== undefined)
      return { records: [], answer: { seq: known.seq, ts: known.ts, duplicate: true } };
    return verb.sets ? setting(conversation, write, verb, ts) : events(conversation, write, verb, ts);
  } catch (thrown) {
    if (thrown instanceof Needed) return { need: thrown.need };
    if (thrown instanceof ChatError) return { refused: refusalOf(thrown) };
    throw thrown;
  }
}

/**
 * The event that this id already has, or `undefined` if the id is certainly new (docs/design.md, "Exactly one
 * seq"). Throws Needed if storage must be asked.
 */
function knownId(conversation: Conversation, command: Identified, now: number): KnownId | undefined {
  const { recent } = conversation;
  const known = recent.known(command.user, command.id);
  if (known !== undefined) return known;
  const key = idKey(command.user, command.id);
  if (recent.hasFound(key)) return recent.found(key) as KnownId | undefined;
  if (surelyNew(recent, recent.ids, timeOfUuid(command.id), now)) return undefined;
  throw new Needed({ user: command.user, id: command.id });
}

/**
 * Whether an id that memory does not hold is certainly new. An id that was accepted at time t is at most 5
 * minutes ahead of t. Memory holds every id whose own time is later than `idsFrom`.
 */
export function surelyNew(
  known: { readonly knownFrom: number; readonly idsFrom: number },
  idsHeld: number,
  idTime: number | undefined,
  now: number,
): boolean {
  const { knownFrom, idsFrom } = known;
  if (knownFrom === 0) return true;
  if (idTime !== undefined && idTime <= now + ID_CLOCK_SKEW_MS)
    return idTime > Math.min(idsFrom, knownFrom + ID_CLOCK_SKEW_MS);
  return knownFrom < now - RECENT_MS || idsHeld >= RECENT_EVENTS_MAX;
}

function look(conversation: Conversation, user: string): Decision {
  if (conversation.head === 0 || !conversation.members.has(user)) throw notFound();
  return { records: [], answer: { seq: conversation.head, ts: conversation.ts } };
}

/** What a verb sees of the conversation's past: from memory, or from a recent answer of storage. */
class RecentLook implements Look {
  readonly ts: number;
  readonly #recent: RecentEvents;

  constructor({ recent }: Conversation, ts: number) {
    this.ts = ts;
    this.#recent = recent;
  }

  eventAt(seq: number): EventFacts {
    const event = this.#recent.event(seq) ?? (this.#recent.found(eventKey(seq)) as EventFacts | undefined);
    if (event === undefined) throw new Needed({ seq });
    return event;
  }
}

function mark(conversation: Conversation, command: Write, verb: AnyMarkVerb, ts: number): Decision {
  const { user, session } = command;
  const moved = verb.decide(conversation, user, command, new RecentLook(conversation, ts));
  if (moved === "unchanged") {
    const stands = conversation.members.get(user)?.mark ?? 0;
    return { records: [], answer: { seq: stands, ts: conversation.ts } };
  }
  const { seq, no } = moved;
  return {
    records: [{ r: "mark", conversation: conversation.id, user, seq, no, session }],
    answer: { seq, ts: conversation.ts },
  };
}

function setting(
  conversation: Conversation,
  command: Identified,
  verb: AnySettingVerb,
  ts: number,
): Decision {
  const { user, id } = command;
  const settings = verb.decide(conversation, user, command, new RecentLook(conversation, ts));
  if (settings === "unchanged") return unchanged(conversation, command, ts);
  const about = { conversation: conversation.id, user, id, seq: conversation.head, ts } as const;
  return {
    records: [{ r: "setting", ...about, ...(settings === undefined ? {} : { settings }) }],
    answer: { seq: conversation.head, ts },
  };
}

function events(conversation: Conversation, command: Identified, verb: AnyEventVerb, ts: number): Decision {
  const drafts = verb.decide(conversation, command.user, command, new RecentLook(conversation, ts));
  if (drafts === "unchanged") return unchanged(conversation, command, ts);
  let { head: seq, no } = conversation;
  const last = drafts.length - 1;
  const records = drafts.map((draft, at) => {
    seq += 1;
    if (KINDS[draft.kind].isMessage === true) no += 1;
    return recordOf(command, draft, { seq, no, ts }, at === last);
  });
  return { records, answer: { seq, ts } };
}

function recordOf(
  { conversation, user, device, session, id, trace }: Identified,
  draft: Draft,
  { seq, no, ts }: Pick<EventRecord, "seq" | "no" | "ts">,
  isLast: boolean,
): EventRecord {
  const about = { r: "event", conversation, seq, no, from: user, ts, device, session } as const;
  const record: EventRecord = isLast ? { ...about, id, ...draft } : { ...about, ...draft };
  return trace === undefined ? record : { ...record, trace };
}

/**
 * A write that changes nothing. Its id is remembered: the ack names the present head, now and on every
 * repetition.
 */
function unchanged(conversation: Conversation, { user, id }: Identified, ts: number): Decision {
  const note: LogRecord = { r: "note", conversation: conversation.id, user, id, seq: conversation.head, ts };
  return { records: [note], answer: { seq: conversation.head, ts } };
}

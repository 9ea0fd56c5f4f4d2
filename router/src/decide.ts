import type { Accepted, Command, Refused } from "@jichat/protocol/bus/command.ts";
import { refusalOf } from "@jichat/protocol/bus/command.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import {
  EDIT_WINDOW_MS,
  GROUP_MEMBERS_MAX,
  ID_CLOCK_SKEW_MS,
  RECENT_EVENTS_MAX,
  RECENT_MS,
} from "@jichat/protocol/limits.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { Conversation, Member } from "./conversation.ts";
import { timeOfUuid } from "./packed-id.ts";
import type { KnownId } from "./recent-events.ts";
import { eventKey, idKey } from "./recent-events.ts";

/** What memory does not hold and storage must be asked for, before the command can be decided. */
export type Need = { readonly id: string; readonly user: string } | { readonly seq: number };

export type Decision =
  | { readonly records: readonly LogRecord[]; readonly answer: Accepted }
  | { readonly refused: Refused }
  | { readonly need: Need };

/** What is decided on a conversation: everything but `where`. */
export type Decidable = Exclude<Command, { readonly op: "where" }>;
type Write = Exclude<Decidable, { readonly op: "read" | "look" }>;
type Of<Op extends Command["op"]> = Extract<Command, { readonly op: Op }>;

class Needed extends Error {
  readonly need: Need;
  constructor(need: Need) {
    super("needs storage");
    this.need = need;
  }
}

const notFound = (): ChatError => new ChatError("NOT_FOUND", "no such conversation, or not for you");

/** Decides one command on the state that every earlier command has already been applied to. Pure. */
export function decide(conversation: Conversation, command: Decidable, now: number): Decision {
  try {
    if (command.op === "look") return look(conversation, command);
    if (command.op === "read") return read(conversation, command);
    const known = knownId(conversation, command, now);
    if (known !== undefined)
      return { records: [], answer: { seq: known.seq, ts: known.ts, duplicate: true } };
    return write(conversation, command, Math.max(now, conversation.ts));
  } catch (thrown) {
    if (thrown instanceof Needed) return { need: thrown.need };
    if (thrown instanceof ChatError) return { refused: refusalOf(thrown) };
    throw thrown;
  }
}

/**
 * The seq this id already has, or undefined when it is surely new. The rule of DESIGN 3, "exactly one seq".
 */
function knownId(conversation: Conversation, command: Write, now: number): KnownId | undefined {
  const { recent } = conversation;
  const known = recent.known(command.user, command.id);
  if (known !== undefined) return known;
  const key = idKey(command.user, command.id);
  if (recent.hasFound(key)) return recent.found(key) as KnownId | undefined;
  if (surelyNew(recent, recent.ids, timeOfUuid(command.id), now)) return undefined;
  throw new Needed({ user: command.user, id: command.id });
}

/**
 * Whether an id that memory does not hold can be nowhere else. An id accepted at time t is at most 5 minutes
 * ahead of t; and of ids made later than `idsFrom` memory holds all that there are.
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

function memberOf(conversation: Conversation, user: string): Member {
  const member = conversation.members.get(user);
  if (member === undefined) throw notFound();
  return member;
}

function look(conversation: Conversation, command: Of<"look">): Decision {
  if (conversation.head === 0 || !conversation.members.has(command.user)) throw notFound();
  return { records: [], answer: { seq: conversation.head, ts: conversation.ts } };
}

/** A mark moves forward only, and not past the head. */
function read(conversation: Conversation, command: Of<"read">): Decision {
  const member = memberOf(conversation, command.user);
  const seq = Math.min(command.seq, conversation.head);
  if (seq <= member.mark) return { records: [], answer: { seq: member.mark, ts: conversation.ts } };
  const no = seq === conversation.head ? conversation.no : eventAt(conversation, seq).no;
  const { user, session } = command;
  return {
    records: [{ r: "mark", conversation: conversation.id, user, seq, no, session }],
    answer: { seq, ts: conversation.ts },
  };
}

function eventAt(conversation: Conversation, seq: number): EventFacts {
  const event =
    conversation.recent.event(seq) ?? (conversation.recent.found(eventKey(seq)) as EventFacts | undefined);
  if (event === undefined) throw new Needed({ seq });
  return event;
}

function write(conversation: Conversation, command: Write, ts: number): Decision {
  switch (command.op) {
    case "send":
      return send(conversation, command, ts);
    case "create":
      return create(conversation, command, ts);
    case "edit":
    case "recall":
      return change(conversation, command, ts);
    case "rename":
      memberOf(conversation, command.user);
      groupOnly(conversation);
      return one(conversation, command, ts, { kind: "renamed", name: command.name });
    case "invite":
      return invite(conversation, command, ts);
    case "remove":
      return remove(conversation, command, ts);
    case "leave":
      memberOf(conversation, command.user);
      groupOnly(conversation);
      return one(conversation, command, ts, { kind: "left", users: [command.user] });
  }
}

type What = Omit<
  EventRecord,
  "r" | "conversation" | "seq" | "no" | "from" | "ts" | "device" | "session" | "trace" | "id"
>;

interface EventForm {
  readonly ts: number;
  readonly seq: number;
  readonly what: What;
}

function eventOf(conversation: Conversation, command: Write, { ts, seq, what }: EventForm): EventRecord {
  return {
    r: "event",
    conversation: conversation.id,
    seq,
    no: conversation.no + (what.kind === "message" ? 1 : 0),
    from: command.user,
    ts,
    device: command.device,
    session: command.session,
    id: command.id,
    ...what,
    ...(command.trace === undefined ? {} : { trace: command.trace }),
  };
}

const accepted = (record: EventRecord, ...before: readonly EventRecord[]): Decision => ({
  records: [...before, record],
  answer: { seq: record.seq, ts: record.ts },
});

const one = (conversation: Conversation, command: Write, ts: number, what: What): Decision =>
  accepted(eventOf(conversation, command, { ts, seq: conversation.head + 1, what }));

function send(conversation: Conversation, command: Of<"send">, ts: number): Decision {
  const what: What = {
    kind: "message",
    body: command.body,
    ...(command.replyTo === undefined ? {} : { replyTo: command.replyTo }),
    ...(command.mentions === undefined ? {} : { mentions: command.mentions }),
  };
  if (conversation.head === 0 && command.to !== undefined) {
    if (command.replyTo !== undefined)
      throw new ChatError("NOT_FOUND", "`replyTo` names no event of this conversation");
    const users = [...new Set([command.user, command.to])];
    // The `created` of a first message has no id of its own: the id is the message's.
    const { id: _, ...created } = eventOf(conversation, command, {
      ts,
      seq: 1,
      what: { kind: "created", users },
    });
    return accepted(eventOf(conversation, command, { ts, seq: 2, what }), created);
  }
  const member = memberOf(conversation, command.user);
  if (
    command.replyTo !== undefined &&
    (command.replyTo > conversation.head || command.replyTo < member.first)
  ) {
    throw new ChatError("NOT_FOUND", "`replyTo` names no event that you can see");
  }
  return one(conversation, command, ts, what);
}

function create(conversation: Conversation, command: Of<"create">, ts: number): Decision {
  if (conversation.head > 0) throw new ChatError("CONFLICT", "this conversation exists already");
  const users = [...new Set([command.user, ...command.members])];
  if (users.length > GROUP_MEMBERS_MAX) throw tooMany();
  return one(conversation, command, ts, { kind: "created", users, name: command.name });
}

const tooMany = (): ChatError =>
  new ChatError("CONFLICT", `a group has at most ${GROUP_MEMBERS_MAX} members`);

function groupOnly(conversation: Conversation): void {
  if (conversation.kind === "direct")
    throw new ChatError("FORBIDDEN", "a 1-1 conversation has its two members and no name");
}

function change(conversation: Conversation, command: Of<"edit" | "recall">, ts: number): Decision {
  const member = memberOf(conversation, command.user);
  if (command.seq > conversation.head || command.seq < member.first) throw noMessage();
  const target = eventAt(conversation, command.seq);
  if (target.kind !== "message") throw noMessage();
  if (target.from !== command.user)
    throw new ChatError("FORBIDDEN", "only its sender edits or recalls a message");
  if (target.recalled === true) throw new ChatError("CONFLICT", "this message is recalled already");
  if (ts - target.ts > EDIT_WINDOW_MS) throw new ChatError("CONFLICT", "this message is older than 24 hours");
  const what: What =
    command.op === "edit"
      ? { kind: "edited", target: command.seq, body: command.body }
      : { kind: "recalled", target: command.seq };
  return one(conversation, command, ts, what);
}

const noMessage = (): ChatError => new ChatError("NOT_FOUND", "`seq` names no message that you can see");

function invite(conversation: Conversation, command: Of<"invite" | "remove">, ts: number): Decision {
  memberOf(conversation, command.user);
  groupOnly(conversation);
  const users = command.users.filter((user) => !conversation.members.has(user));
  if (users.length === 0) return unchanged(conversation, command, ts);
  if (conversation.members.size + users.length > GROUP_MEMBERS_MAX) throw tooMany();
  // Who comes new hears of the group by this event, and wants to show its name.
  return one(conversation, command, ts, { kind: "joined", users, name: conversation.name });
}

function remove(conversation: Conversation, command: Of<"invite" | "remove">, ts: number): Decision {
  memberOf(conversation, command.user);
  groupOnly(conversation);
  if (conversation.creator !== command.user)
    throw new ChatError("FORBIDDEN", "only the creator removes members");
  const users = command.users.filter((user) => conversation.members.has(user));
  if (users.length === 0) return unchanged(conversation, command, ts);
  return one(conversation, command, ts, { kind: "left", users });
}

/** Changes nothing, and its id is remembered: the ack names the head, now and on every repetition. */
function unchanged(conversation: Conversation, command: Write, ts: number): Decision {
  const { user, id } = command;
  const note: LogRecord = { r: "note", conversation: conversation.id, user, id, seq: conversation.head, ts };
  return { records: [note], answer: { seq: conversation.head, ts } };
}

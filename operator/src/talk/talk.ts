import { invariant } from "@jichat/protocol/assert.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Ack, EventFrame, ServerFrame, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { Device } from "./device.ts";
import { partitionsThatFail } from "./partitions.ts";
import type { Credential, Way } from "./way.ts";
import { shown } from "./way.ts";
import { whyOf } from "./why.ts";
import { Wire } from "./wire.ts";

/** The steps of a device, in order. */
export const STEPS = ["connect", "hello", "send", "receive", "resume", "history"] as const;
export type Step = (typeof STEPS)[number];

/** The result of a talk. */
export interface Told {
  /** `ok`, or the step that failed. */
  readonly outcome: "ok" | Step;
  /** Empty if the talk succeeded. */
  readonly why: string;
  readonly ms: number;
  /** The first partition for the next talk, since many partitions do not fit into one talk. */
  readonly nextPartition: number;
  /** From a message to the other device: the median. Absent if none arrived. */
  readonly delayMs?: number;
  /** What was answered is wrong, and no outage excuses it. */
  readonly isWrong?: true;
}

/** Where the first device is, and how a talk differs from the one of each minute. */
export interface TalkPlan extends Way {
  /** Where the second device is, if not where the first one is. */
  readonly other?: Way;
  /** Where the second device resumes, if it is another place. */
  readonly back?: Way;
  /** How many messages are sent at a time, 1 by default; fewer where a user may send few in a second. */
  readonly messages?: number;
  /** Names the devices. Two talks at once need two names: a device that connects again replaces itself. */
  readonly devices?: string;
}

/** The limit for a whole talk. If a message takes longer than this, people cannot talk. */
export const TALK_MS = 10_000;
const LEAVE_MS = 1_000;
/** Made once, and kept for ever: the only conversation of the reserved person, who is its only member. */
const CREATE_ID = "talk";
const CONVERSATION = groupConversation(SYNTHETIC_PERSON, CREATE_ID);
const BODY = { text: "This is the operator: it sees whether people can talk." };

/** What no healthy cluster does, whatever else fails meanwhile. */
class Wrong extends Error {
  override readonly name = "Wrong";
}

/** When each message was sent, by the monotonic clock. */
type Sent = Map<string, number>;

type Heard = EventFrame & { readonly id: string };

const isEventOf =
  (ids: ReadonlySet<string>) =>
  (frame: ServerFrame): frame is Heard =>
    frame.t === "event" && frame.id !== undefined && ids.has(frame.id);

/** In one second a user sends so many at most; a talk sends twice, and some may come again. */
const shareOf = (messages: number, perSecond: number): number =>
  Math.max(1, Math.min(messages, Math.floor(perSecond / 4)));

const TEXT = JSON.stringify(BODY);
const wrongIn = ({ id = "", body }: Pick<EventFrame, "id" | "body">): Wrong | undefined =>
  JSON.stringify(body) === TEXT ? undefined : new Wrong(`message ${id} arrived with another body`);

interface Entered {
  readonly device: Device;
  readonly welcome: Welcome;
}

type Shown = Awaited<ReturnType<typeof shown>>;

/** The connections of a talk, by who uses them. */
type Wires = Readonly<Record<"a" | "b" | "back", Wire>>;

interface TalkParts extends Required<Pick<TalkPlan, "back" | "devices" | "messages" | "other">> {
  readonly way: Way;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly wires: Wires;
}

/** One talk: two devices of the reserved person, through the ChatCluster's own edge. */
class Talk {
  readonly #parts: TalkParts;
  readonly #delays: number[] = [];
  #step: Step = "connect";
  #requests = 0;

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  get step(): Step {
    return this.#step;
  }

  /** Undefined if nothing arrived. */
  get delayMs(): number | undefined {
    return this.#delays.toSorted((one, other) => one - other)[this.#delays.length >> 1];
  }

  /** Resolves with the first partition for the next talk. */
  async run(fromPartition: number): Promise<number> {
    const { way, other, messages } = this.#parts;
    const [a, b] = [await this.#arrive("a", way), await this.#arrive("b", other)];
    const makeIds = new IdMaker(() => a.welcome.serverTime);
    const count = shareOf(messages, a.welcome.limits.messagesPerSecond);
    const ids = (): readonly string[] => Array.from({ length: count }, () => makeIds.next());
    const [before, meanwhile] = [ids(), ids()];
    const first = await this.#tell(a.device, b.device, before);
    this.#step = "resume";
    const { cursor } = await b.device.insist({ t: "sync", id: this.#nextId() }, "synced");
    await b.device.leave(LEAVE_MS);
    const second = await this.#sendAll(a.device, meanwhile);
    this.#step = "resume";
    await this.#resume(b.welcome, cursor, { after: first.seq, ids: meanwhile, head: second.seq });
    this.#step = "history";
    const { failed, next } = await partitionsThatFail(a.device, way.partitions, fromPartition);
    if (failed !== undefined) throw new Error(failed);
    return next;
  }

  /** Sends some messages, and hears them at the other device. Resolves with the ack of the last one. */
  async #tell(from: Device, to: Device, ids: readonly string[]): Promise<Ack> {
    const sent: Sent = new Map();
    const [sending, hearing] = await Promise.allSettled([
      this.#sendAll(from, ids, sent),
      this.#hearAll(to, ids, sent),
    ]);
    // What was refused explains what was not heard.
    if (sending.status === "rejected" && !(hearing.status === "rejected" && hearing.reason instanceof Wrong))
      throw sending.reason;
    if (hearing.status === "rejected") throw hearing.reason;
    invariant(sending.status === "fulfilled", "what was neither refused nor unheard was sent");
    return sending.value;
  }

  /** Each message arrives as it was sent, in order. After a gap some may be missing, so that is not `Wrong`. */
  async #hearAll(device: Device, ids: readonly string[], sent: Sent): Promise<void> {
    const left = new Set(ids);
    for (const id of ids) {
      const event = await device.hear(isEventOf(left));
      left.delete(event.id);
      const isNext = event.id === id;
      const fault = isNext ? wrongIn(event) : new Error("a message did not arrive, and later ones did");
      if (fault !== undefined) {
        this.#step = "receive"; // Others are still being sent.
        throw fault;
      }
      this.#delays.push(this.#parts.clock.monotonic() - (sent.get(id) ?? 0));
    }
  }

  /**
   * Connects with the present credentials, or with earlier ones while pods are rolled. The first refusal is
   * the reason for a failure.
   */
  async #arrive(name: "a" | "b", { credentials }: Way): Promise<Entered> {
    const { clock, wires } = this.#parts;
    const all = credentials.map(
      (credential: Credential) => async (device: string) => shown(credential, device, clock.now()),
    );
    return this.#enter(name, wires[name], all);
  }

  async #enter(
    name: string,
    wire: Wire,
    ways: readonly ((device: string) => Promise<Shown>)[],
  ): Promise<Entered> {
    const { clock, signal, devices } = this.#parts;
    let refused: unknown;
    for (const show of ways) {
      this.#step = "connect";
      const device = new Device(wire, clock, signal);
      await device.opened();
      this.#step = "hello";
      const id = `${devices}-${name}`;
      try {
        return { device, welcome: await device.hello({ device: id, ...(await show(id)) }) };
      } catch (error) {
        if (!(error instanceof ChatError) || error.code !== "UNAUTHENTICATED") throw error;
        refused ??= error;
      }
    }
    throw refused;
  }

  /** Sends in order. Resolves with the ack of the last one. */
  async #sendAll(device: Device, ids: readonly string[], sent: Sent = new Map()): Promise<Ack> {
    this.#step = "send";
    const [first = "", ...rest] = ids;
    const send = async (id: string): Promise<Ack> => {
      sent.set(id, this.#parts.clock.monotonic());
      return this.#send(device, id);
    };
    const acks = [await send(first), ...(await Promise.all(rest.map(send)))];
    if (acks.some(({ seq }, at) => seq <= (acks[at - 1]?.seq ?? 0)))
      throw new Wrong("messages of one device were acked in another order than they were sent");
    this.#step = "receive";
    const [last] = acks.slice(-1);
    if (last === undefined) throw new Error("there is nothing to send");
    return last;
  }

  async #send(device: Device, id: string): Promise<Ack> {
    const frame = { t: "send", id, conversation: CONVERSATION, body: BODY };
    try {
      return await device.insist(frame, "ack");
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== "NOT_FOUND") throw error;
    }
    await this.#create(device);
    return device.insist(frame, "ack");
  }

  async #create(device: Device): Promise<void> {
    const frame = { t: "create", id: CREATE_ID, kind: "group", name: "Synthetic talk", members: [] };
    try {
      await device.insist(frame, "ack");
    } catch (error) {
      // The conversation exists by now: the ack of an earlier try was lost.
      if (!(error instanceof ChatError) || error.code !== "CONFLICT") throw error;
    }
  }

  /** Resumes with a ticket, learns of the messages live or from its list, and reads all of them. */
  async #resume(
    { ticket }: Welcome,
    since: string,
    { after, ids, head }: { readonly after: number; readonly ids: readonly string[]; readonly head: number },
  ): Promise<void> {
    const { back, clock, wires } = this.#parts;
    const now = clock.now();
    const { credentials } = back;
    const { device } = await this.#enter("b", wires.back, [
      async () => ({ ticket }),
      // Earlier and present pods do not accept each other's tickets. A device then shows its token.
      ...(credentials.length > 1 ? credentials.map((one) => async (id: string) => shown(one, id, now)) : []),
    ]).finally(() => {
      this.#step = "resume";
    });
    const { conversations } = await device.insist({ t: "sync", id: this.#nextId(), since }, "synced");
    const isListed = conversations.some(
      (one) => one.conversation === CONVERSATION && "head" in one && one.head >= head,
    );
    if (!isListed) await device.hear(isEventOf(new Set(ids.slice(-1))));
    const pull = { t: "pull", id: this.#nextId(), conversation: CONVERSATION, after };
    const { events } = await device.insist(pull, "page");
    const found = events.filter(({ id = "" }) => ids.includes(id));
    const missing = ids.filter((id) => !found.some((event) => event.id === id)).length;
    if (missing > 0)
      throw new Wrong(
        `${missing} of ${ids.length} messages that were acked meanwhile are not in the conversation's history`,
      );
    if (found.some(({ id }, at) => id !== ids[at])) throw new Wrong("the history has another order");
    const [wrong] = found.flatMap((event) => wrongIn(event) ?? []);
    if (wrong !== undefined) throw wrong;
  }

  #nextId(): string {
    this.#requests += 1;
    return `q${this.#requests}`;
  }
}

/**
 * Talks once, and returns the result. Never rejects. Takes `TALK_MS` at most, and leaves no connection
 * behind.
 */
export async function talk(
  way: TalkPlan,
  fromPartition: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Told> {
  const { other = way, back = other, messages = 1, devices = "synthetic" } = way;
  const started = clock.monotonic();
  const over = new AbortController();
  const wires = { a: new Wire(way, TALK_MS), b: new Wire(other, TALK_MS), back: new Wire(back, TALK_MS) };
  const late = clock.sleep(TALK_MS, AbortSignal.any([over.signal, signal]));
  const timeUp = new AbortController();
  late.then(
    () => {
      timeUp.abort(new Error(`nothing was received within ${TALK_MS / 1_000} s`));
    },
    (error: unknown) => {
      timeUp.abort(error);
    },
  );
  const one = new Talk({ way, other, back, messages, devices, clock, signal: timeUp.signal, wires });
  const told = async (): Promise<Pick<Told, "isWrong" | "nextPartition" | "outcome" | "why">> => {
    try {
      return { outcome: "ok", why: "", nextPartition: await one.run(fromPartition) };
    } catch (error) {
      const failed = { outcome: one.step, why: whyOf(error), nextPartition: fromPartition };
      return error instanceof Wrong ? { ...failed, isWrong: true } : failed;
    } finally {
      over.abort(new Error("it is over"));
      await Promise.all(Object.values(wires).map(async (wire) => wire.end()));
    }
  };
  const result = await told();
  const { delayMs } = one;
  return { ...result, ms: clock.monotonic() - started, ...(delayMs === undefined ? {} : { delayMs }) };
}

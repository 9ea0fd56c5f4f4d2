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
}

/** The limit for a whole talk. If a message takes longer than this, people cannot talk. */
export const TALK_MS = 10_000;
const LEAVE_MS = 1_000;
/** Made once, and kept for ever: the only conversation of the reserved person, who is its only member. */
const CREATE_ID = "talk";
const CONVERSATION = groupConversation(SYNTHETIC_PERSON, CREATE_ID);
const BODY = { text: "This is the operator: it sees whether people can talk." };

const isEvent =
  (id: string) =>
  (frame: ServerFrame): frame is EventFrame =>
    frame.t === "event" && frame.id === id;

interface Entered {
  readonly device: Device;
  readonly welcome: Welcome;
}

type Shown = Awaited<ReturnType<typeof shown>>;

/** One talk: two devices of the reserved person, through the ChatCluster's own edge. */
class Talk {
  readonly #way: Way;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #wire: Wire;
  #step: Step = "connect";
  #requests = 0;

  constructor(way: Way, clock: Clock, signal: AbortSignal, wire: Wire) {
    this.#way = way;
    this.#clock = clock;
    this.#signal = signal;
    this.#wire = wire;
  }

  get step(): Step {
    return this.#step;
  }

  /** Resolves with the first partition for the next talk. */
  async run(fromPartition: number): Promise<number> {
    const [a, b] = [await this.#arrive("a"), await this.#arrive("b")];
    const ids = new IdMaker(() => a.welcome.serverTime);
    const first = await this.#send(a.device, ids.next());
    this.#step = "receive";
    await b.device.hear(isEvent(first.id));
    this.#step = "resume";
    const { cursor } = await b.device.insist({ t: "sync", id: this.#nextId() }, "synced");
    await b.device.leave(LEAVE_MS);
    const second = await this.#send(a.device, ids.next());
    this.#step = "resume";
    await this.#resume(b.welcome, cursor, first, second);
    this.#step = "history";
    const { failed, next } = await partitionsThatFail(a.device, this.#way.partitions, fromPartition);
    if (failed !== undefined) throw new Error(failed);
    return next;
  }

  /**
   * Connects with the present credentials, or with earlier ones while pods are rolled. The first refusal is
   * the reason for a failure.
   */
  async #arrive(name: string): Promise<Entered> {
    const all = this.#way.credentials.map(
      (credential: Credential) => async (device: string) => shown(credential, device, this.#clock.now()),
    );
    return this.#enter(name, all);
  }

  async #enter(name: string, ways: readonly ((device: string) => Promise<Shown>)[]): Promise<Entered> {
    let refused: unknown;
    for (const show of ways) {
      this.#step = "connect";
      const device = new Device(this.#wire, this.#clock, this.#signal);
      await device.opened();
      this.#step = "hello";
      const id = `synthetic-${name}`;
      try {
        return { device, welcome: await device.hello({ device: id, ...(await show(id)) }) };
      } catch (error) {
        if (!(error instanceof ChatError) || error.code !== "UNAUTHENTICATED") throw error;
        refused ??= error;
      }
    }
    throw refused;
  }

  async #send(device: Device, id: string): Promise<Ack> {
    this.#step = "send";
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

  /** Resumes with a ticket, learns of the message live or from its list, and reads it. */
  async #resume({ ticket }: Welcome, since: string, first: Ack, second: Ack): Promise<void> {
    const { credentials } = this.#way;
    const now = this.#clock.now();
    const { device } = await this.#enter("b", [
      async () => ({ ticket }),
      // Earlier and present pods do not accept each other's tickets. A device then shows its token.
      ...(credentials.length > 1 ? credentials.map((one) => async (id: string) => shown(one, id, now)) : []),
    ]).finally(() => {
      this.#step = "resume";
    });
    const { conversations } = await device.insist({ t: "sync", id: this.#nextId(), since }, "synced");
    const isListed = conversations.some(
      (one) => one.conversation === CONVERSATION && "head" in one && one.head >= second.seq,
    );
    if (!isListed) await device.hear(isEvent(second.id));
    const pull = { t: "pull", id: this.#nextId(), conversation: CONVERSATION, after: first.seq };
    const { events } = await device.insist(pull, "page");
    if (!events.some(({ id }) => id === second.id))
      throw new Error("the message that was sent meanwhile is not in the conversation's history");
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
  way: Way,
  fromPartition: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Told> {
  const started = clock.monotonic();
  const over = new AbortController();
  const wire = new Wire(way, TALK_MS);
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
  const one = new Talk(way, clock, timeUp.signal, wire);
  const told = async (): Promise<Pick<Told, "outcome" | "why" | "nextPartition">> => {
    try {
      return { outcome: "ok", why: "", nextPartition: await one.run(fromPartition) };
    } catch (error) {
      return { outcome: one.step, why: whyOf(error), nextPartition: fromPartition };
    } finally {
      over.abort(new Error("it is over"));
      await wire.end();
    }
  };
  return { ...(await told()), ms: clock.monotonic() - started };
}

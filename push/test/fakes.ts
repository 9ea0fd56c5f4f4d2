import type { PushFacts } from "@jichat/presence/push-facts.ts";
import type { PushAsk } from "@jichat/presence/push-facts.ts";
import { encodeActivityAnswer, decodeActivityQuestion } from "@jichat/protocol/bus/activity.ts";
import type { QueuedMessage, QueuedPush } from "@jichat/protocol/bus/push.ts";
import { encodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { PushRegistration, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { LiveDevice } from "../src/decide.ts";
import type {
  DeadLetter,
  KeptEntry,
  Later,
  LaterEntry,
  Notes,
  Queue,
  QueueMessage,
  Registrations,
  Said,
} from "../src/ports.ts";
import type { Outcome, Provider, Push } from "../src/provider.ts";
import { PushService } from "../src/push-service.ts";

export const webhookTarget = (token: string): PushTarget => ({ kind: "webhook", token });
export const webPushTarget = (endpoint: string): PushTarget => ({
  kind: "webpush",
  endpoint,
  p256dh: "p",
  auth: "a",
});

/** A device that receives pushes by the webhook. Its token has its user's and its own name. */
export const registrationOf = (user: string, device = "phone"): PushRegistration => ({
  device,
  target: webhookTarget(`${user}-${device}`),
  locale: "en",
  preview: "text",
  registeredAt: 0,
});

/** Redis, as much of it as a worker sees. */
class FakeNotes implements Notes {
  readonly entries = new Map<string, ListEntry>();
  readonly sessions = new Map<string, readonly { device: string; connector: string }[]>();
  readonly noted = new Map<string, number>();
  unreadOf: number | undefined = 1;
  isDown = false;
  asked = 0;

  enter(user: string, conversation: string, entry: Partial<ListEntry>): void {
    const whole = { conversation, position: 1, first: 1, mark: 0, markNo: 0, ...entry };
    this.entries.set(`${user} ${conversation}`, whole);
  }

  async facts({ user, conversation, notes }: PushAsk): Promise<PushFacts> {
    this.#check();
    this.asked += 1;
    return {
      entry: this.entries.get(`${user} ${conversation}`),
      sessions: this.sessions.get(user) ?? [],
      shown: notes.map((note) => this.noted.get(note) ?? 0),
    };
  }

  async note(note: string, seq: number): Promise<void> {
    this.#check();
    this.noted.set(note, Math.max(seq, this.noted.get(note) ?? 0));
  }

  async forget(note: string, seq: number): Promise<void> {
    if (this.noted.get(note) === seq) this.noted.delete(note);
  }

  async unread(): Promise<number | undefined> {
    this.#check();
    return this.unreadOf;
  }

  #check(): void {
    if (this.isDown) throw new Error("Redis is down");
  }
}

interface Put {
  readonly position: number;
  readonly bytes: Uint8Array;
  /** Taken by whom it was delivered to, and not acknowledged. */
  isOut: boolean;
  isAcked: boolean;
  deliveries: number;
}

/** The queue of one partition. What is taken and not acknowledged comes again after `redeliver`. */
class FakeQueue implements Queue {
  readonly #messages: Put[] = [];
  readonly added: QueuedMessage[] = [];
  worked = 0;
  #wake: () => void = () => {};

  put(...entries: readonly QueuedPush[]): void {
    this.putBytes(encodePushEntries(entries));
  }

  putBytes(bytes: Uint8Array): void {
    const position = this.#messages.length + 1;
    this.#messages.push({ position, bytes, isOut: false, isAcked: false, deliveries: 0 });
    this.#wake();
  }

  /** Positions that are not acknowledged. */
  get left(): readonly number[] {
    return this.#messages.filter(({ isAcked }) => !isAcked).map(({ position }) => position);
  }

  redeliver(): void {
    for (const message of this.#messages) message.isOut = false;
    this.#wake();
  }

  async *read(
    _partition: number,
    room: () => Promise<number>,
    _heldOf: () => number,
    signal: AbortSignal,
  ): AsyncGenerator<QueueMessage | "idle"> {
    yield "idle";
    while (!signal.aborted) {
      await room();
      const next = this.#messages.find(({ isOut, isAcked }) => !isOut && !isAcked);
      if (next === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
        await promise;
        continue;
      }
      next.isOut = true;
      next.deliveries += 1;
      yield this.#messageOf(next);
    }
  }

  async add(_partition: number, message: QueuedMessage): Promise<void> {
    this.added.push(message);
  }

  #messageOf(put: Put): QueueMessage {
    return {
      position: put.position,
      bytes: put.bytes,
      deliveries: put.deliveries,
      pending: 0,
      ack: () => {
        put.isAcked = true;
      },
      working: () => {
        this.worked += 1;
      },
      later: () => {
        put.isOut = false;
        this.#wake();
      },
    };
  }
}

export class FakeRegistrations implements Registrations {
  readonly byUser = new Map<string, readonly PushRegistration[]>();

  async of(user: string): Promise<readonly PushRegistration[]> {
    return this.byUser.get(user) ?? [];
  }

  async removeIfStill(user: string, device: string): Promise<void> {
    const kept = (this.byUser.get(user) ?? []).filter((one) => one.device !== device);
    this.byUser.set(user, kept);
  }
}

class FakeLater implements Later {
  readonly kept = new Map<string, KeptEntry>();
  #revision = 0;

  async keep(key: string, entry: LaterEntry): Promise<void> {
    const known = this.kept.get(key);
    const count = entry.count + (known?.entry.count ?? 0);
    this.#revision += 1;
    this.kept.set(key, { key, revision: this.#revision, entry: { ...entry, count } });
  }

  async *entries(): AsyncGenerator<KeptEntry> {
    yield* Array.from(this.kept.values());
  }

  async remove({ revision }: Pick<KeptEntry, "revision">): Promise<void> {
    for (const [key, kept] of this.kept) if (kept.revision === revision) this.kept.delete(key);
  }

  async count(): Promise<number> {
    return this.kept.size;
  }
}

/** A provider that answers what it is told to, and remembers what it was sent. */
class FakeProvider implements Provider {
  readonly kind = "webhook";
  readonly pushes: Push[] = [];
  /** Answers in order; `sent` once there is none. A function may look at the push. */
  readonly answers: Outcome[] = [];
  always: Outcome | undefined;
  /** Users whose devices are behind a service of their own, which is down. */
  readonly unreachable = new Set<string>();
  /** Attempts wait while this is set. */
  held: Promise<void> | undefined;
  attempts = 0;

  circuitOf(target: PushTarget): string {
    const [user = ""] = (target.kind === "webhook" ? target.token : "").split("-");
    return this.unreachable.has(user) ? "unreachable" : "";
  }

  async send(target: PushTarget, push: Push): Promise<Outcome> {
    this.attempts += 1;
    if (this.circuitOf(target) !== "") return { is: "retry", reason: "503", isDown: true };
    const outcome = this.answers.shift() ?? this.always ?? { is: "sent" };
    await this.held;
    if (outcome.is === "sent") this.pushes.push(push);
    return outcome;
  }

  /** The seqs and counts that devices were shown. */
  get shown(): readonly string[] {
    return this.pushes.map((push) =>
      push.is === "notification"
        ? `${push.user} ${push.conversation} ${push.seq} x${push.count}`
        : `${push.user} ${push.conversation} withdrawn ${push.seq}`,
    );
  }

  close(): void {}
}

/** Counts that tests read, by name and attributes. */
class FakeTelemetry {
  readonly counts = new Map<string, number>();
  readonly lines: string[] = [];
  readonly log = {
    debug: (_of: object, line: string) => void this.lines.push(line),
    info: (_of: object, line: string) => void this.lines.push(line),
    warn: (_of: object, line: string) => void this.lines.push(line),
    error: (_of: object, line: string) => void this.lines.push(line),
  };

  counter(name: string): { add: (by: number, attributes?: object) => void } {
    return {
      add: (by, attributes = {}) => {
        const key = [name, ...Object.values(attributes)].join(" ");
        this.counts.set(key, (this.counts.get(key) ?? 0) + by);
      },
    };
  }

  histogram(): { record: () => void } {
    return { record: () => undefined };
  }

  gauge(): void {}

  child(): undefined {
    return undefined;
  }
}

/** A worker over fakes, whose time stands still until it is moved. */
export class Bench {
  readonly clock = new HandClock();
  readonly notes: FakeNotes;
  readonly queue: FakeQueue;
  readonly later: FakeLater;
  readonly registrations = new FakeRegistrations();
  readonly provider: FakeProvider;
  readonly dead: DeadLetter[] = [];
  /** Entries that Redis has lost. */
  readonly stored = new Map<string, ListEntry>();
  /** What messages say by now, by conversation and seq; storage does not know the others. */
  readonly said = new Map<string, Said>();
  textsAsked = 0;
  /** How long storage takes to say it. */
  textsMs = 0;
  readonly telemetry = new FakeTelemetry();
  /** What connectors answer; nothing from those that are not there. */
  readonly live = new Map<string, readonly (LiveDevice & { user: string })[]>();
  readonly service: PushService;

  /** Of another worker: what lives on behind a crash. */
  constructor(before?: Bench) {
    this.notes = before?.notes ?? new FakeNotes();
    this.queue = before?.queue ?? new FakeQueue();
    this.later = before?.later ?? new FakeLater();
    this.provider = before?.provider ?? new FakeProvider();
    if (before !== undefined) {
      this.registrations = before.registrations;
      this.clock.at = before.clock.at;
    }
    this.service = new PushService({
      config: { hasPreviews: true, inFlightMax: 10, mentionsOnlyAbove: 200 },
      names: { activity: (connector) => connector },
      bus: { request: async (subject, bytes) => this.#answer(subject, bytes) },
      clock: this.clock,
      telemetry: this.telemetry as never,
      partitions: 1,
      queue: this.queue,
      notes: this.notes,
      stored: { of: async (user, conversation) => this.stored.get(`${user} ${conversation}`) },
      storedTexts: {
        of: async ({ conversation, seq }) => {
          this.textsAsked += 1;
          if (this.textsMs > 0) await this.clock.sleep(this.textsMs);
          return this.said.get(`${conversation} ${seq}`) ?? { is: "unknown" };
        },
      },
      lists: { list: async () => assertNever(), heads: async () => [] },
      registrations: this.registrations,
      displayNames: { of: async (user) => user.toUpperCase() },
      providers: { get: (kind) => (kind === "webhook" ? this.provider : undefined) },
      later: this.later,
      dead: { add: async (_partition, letter) => void this.dead.push(letter) },
      texts: ({ sender, count, text, isMention }) => ({
        title: sender,
        text: count > 1 ? `${count} new${isMention ? `, by ${sender}` : ""}` : (text ?? ""),
      }),
      random: () => 0.5,
    });
    this.service.start();
    this.service.partitions.acquire(0);
  }

  /** Lets everything run that can without the clock. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i += 1)
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
  }

  /** Moves the clock in steps, since what wakes may sleep again. */
  async pass(ms: number, stepMs = 100): Promise<void> {
    for (let rest = ms; rest > 0; rest -= stepMs) {
      await this.clock.pass(Math.min(rest, stepMs));
      await this.settle();
    }
  }

  #answer(connector: string, bytes: Uint8Array): Uint8Array {
    const { users } = decodeActivityQuestion(bytes);
    const live = this.live.get(connector);
    if (live === undefined) throw new Error("nobody serves it");
    return encodeActivityAnswer(live.filter(({ user }) => users.includes(user)));
  }
}

const assertNever = (): never => {
  throw new Error("nobody asks for lists here");
};

let nextNo = 0;
/** A message to ann, of now. */
export const messageTo = (
  to: readonly string[],
  seq: number,
  more: Partial<QueuedMessage> = {},
): QueuedMessage => {
  nextNo += 1;
  return {
    is: "message",
    conversation: "g",
    seq,
    no: seq,
    from: "bob",
    ts: 0,
    preview: `text ${nextNo}`,
    members: 3,
    to,
    ...more,
  };
};

import { ChatClient } from "@jichat/client/chat-client.ts";
import { msgpack } from "@jichat/client/msgpack";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { REAL } from "@jichat/client/surroundings.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import type { ChatOptions, Target } from "@jichat/client/types.ts";
import type { Diary } from "./diary.ts";
import type { Ledger } from "./ledger.ts";
import { mint } from "./mint.ts";

/** The cluster of a crowd: a local stack, or a ChatCluster. */
export interface Venue {
  readonly wsUrls: readonly string[];
  readonly secrets: { readonly signingKeyFile: string };
}

export interface CrowdOptions {
  readonly pairs: number;
  readonly groups: number;
  readonly groupSize: number;
  /** Messages per second and device. */
  readonly rate: number;
  /** A prefix of every user's name, so that a later crowd does not see what an earlier one wrote. */
  readonly names?: string;
  /** Notes what the devices go through, and when. */
  readonly diary?: Diary;
}

export const USUAL: CrowdOptions = { pairs: 20, groups: 5, groupSize: 20, rate: 1 };
const DEVICES = ["phone", "laptop"] as const;
const SETTLE_POLL_MS = 200;
/** A new cluster, or one under faults, may need this long. */
const ARRIVE_MS = 300_000;
/** An unanswered send may still be answered for this long after the talk. */
const LAST_WORDS_MS = 30_000;

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

interface Person {
  readonly user: string;
  readonly peer: string;
  readonly groups: string[];
}

interface DeviceSpec extends Pick<ChatOptions, "encoding"> {
  readonly user: string;
  readonly name: string;
  readonly diary?: Diary | undefined;
}

/** One device of the crowd: a client of the SDK that reports every action to the ledger. */
export class Device {
  readonly user: string;
  readonly name: string;
  readonly client: ChatClient;
  readonly #ledger: Ledger;
  readonly #diary: Diary | undefined;
  readonly #ids = new IdMaker(Date.now);
  readonly heads = new Map<string, number>();
  /** The milliseconds from each send to its ack. */
  readonly answeredMs: number[] = [];
  failures: string[] = [];
  /** How often the device went offline after it had been online. */
  interruptions = 0;
  reading: Promise<void>;

  constructor(venue: Venue, ledger: Ledger, { user, name, diary, ...more }: DeviceSpec) {
    this.user = user;
    this.name = name;
    this.#ledger = ledger;
    this.#diary = diary;
    const options: ChatOptions = {
      urls: venue.wsUrls,
      device: name,
      token: async () => mint(venue.secrets.signingKeyFile, { sub: user }),
      ...more,
    };
    this.client = new ChatClient(options, diary?.around(`${user}/${name}`) ?? REAL);
    ledger.device(user, name);
    this.reading = this.#read();
  }

  async #read(): Promise<void> {
    let wasOnline = false;
    for await (const notice of this.client.events()) {
      if (notice.t === "event") this.#received(notice.event);
      if (notice.t !== "state") continue;
      if (notice.state === "online") wasOnline = true;
      else if (notice.state === "offline" && wasOnline) {
        this.interruptions += 1;
        this.#diary?.interrupted(`${this.user}/${this.name}`, String(notice.error));
      }
    }
  }

  #received(event: ChatEvent): void {
    this.#ledger.received(this.user, this.name, event);
    this.heads.set(event.conversation, event.seq);
  }

  /** Resolves when the device is online and has synced. From then on it must receive everything. */
  async arrive(): Promise<void> {
    const feed = this.client.events();
    await this.client.connect({ timeoutMs: ARRIVE_MS });
    for await (const notice of feed) if (notice.t === "conversations" && notice.complete) return;
  }

  async send(target: Target, body: Readonly<Record<string, unknown>>, id = this.#ids.next()): Promise<void> {
    const name = "to" in target ? `@${target.to}` : target.conversation;
    this.#ledger.sent(this.user, this.name, name, id);
    const started = performance.now();
    try {
      const { conversation, seq } = await this.client.send(target, body, { id });
      this.#ledger.acked(this.user, this.name, { id, conversation, seq });
    } catch (error) {
      this.failures.push(`${id}: ${String(error)}`);
    }
    const ms = performance.now() - started;
    this.answeredMs.push(ms);
    this.#diary?.answered(ms);
  }

  async read(): Promise<void> {
    const [conversation, seq] = [...this.heads][Math.floor(Math.random() * this.heads.size)] ?? [];
    if (conversation === undefined || seq === undefined) return;
    try {
      this.#ledger.readAcked(this.user, conversation, (await this.client.read(conversation, seq)).seq);
    } catch (error) {
      this.failures.push(`read: ${String(error)}`);
    }
  }
}

/** People who talk: in pairs and groups, with two devices each, one for each encoding. */
export class Crowd {
  readonly devices: Device[] = [];
  readonly #options: CrowdOptions;
  readonly #venue: Venue;
  readonly #ledger: Ledger;
  readonly #people: Person[] = [];
  #saying = 0;

  constructor(venue: Venue, ledger: Ledger, options: CrowdOptions = USUAL) {
    this.#options = options;
    this.#venue = venue;
    this.#ledger = ledger;
    const { names = "u" } = options;
    for (let i = 0; i < options.pairs; i += 1) {
      this.#people.push(
        { user: `${names}${2 * i}`, peer: `${names}${2 * i + 1}`, groups: [] },
        { user: `${names}${2 * i + 1}`, peer: `${names}${2 * i}`, groups: [] },
      );
    }
  }

  /** Connects every device, and creates the groups. */
  async arrive(): Promise<void> {
    const { diary } = this.#options;
    for (const { user } of this.#people) {
      DEVICES.forEach((name, index) => {
        const encoding = index === 0 ? "json" : msgpack;
        this.devices.push(new Device(this.#venue, this.#ledger, { user, name, encoding, diary }));
      });
    }
    await Promise.all(this.devices.map((device) => device.arrive()));
    for (let i = 0; i < this.#options.groups; i += 1) {
      const members = Array.from(
        { length: this.#options.groupSize },
        (_, j) => this.#people[(i * 7 + j) % this.#people.length],
      ).flatMap((person) => person ?? []);
      const [creator] = members;
      const device = this.devices.find(({ user, name }) => user === creator?.user && name === DEVICES[0]);
      if (device === undefined) throw new Error("a group has a creator");
      const { conversation, seq, id } = await device.client.createGroup(
        `group ${i}`,
        members.map(({ user }) => user),
      );
      this.#ledger.acked(device.user, device.name, { id, conversation, seq });
      for (const person of members) person.groups.push(conversation);
    }
  }

  /** Every device sends and reads for `ms`, at random moments. Then it waits for the last acks. */
  async talk(ms: number): Promise<void> {
    await this.talkUntil(sleep(ms));
  }

  /** Talks until a promise settles, whether it resolves or rejects. */
  async talkUntil(over: Promise<unknown>): Promise<void> {
    const talk = new AbortController();
    const end = (): void => {
      talk.abort();
    };
    void over.then(end, end);
    await Promise.all(this.devices.map((device) => this.#talk(device, talk.signal)));
  }

  async #talk(device: Device, over: AbortSignal): Promise<void> {
    const person = this.#people.find(({ user }) => user === device.user);
    if (person === undefined) throw new Error("a device belongs to a person");
    const open: Promise<void>[] = [];
    await sleep((Math.random() * 1_000) / this.#options.rate);
    while (!over.aborted) {
      this.#saying += 1;
      const group = person.groups[Math.floor(Math.random() * person.groups.length)];
      const target =
        group === undefined || Math.random() < 0.5 ? { to: person.peer } : { conversation: group };
      open.push(
        device.send(target, {
          text: `message ${this.#saying}`,
          pad: "x".repeat(Math.floor(Math.random() * 300)),
        }),
      );
      if (Math.random() < 0.3) open.push(device.read());
      await sleep((500 + Math.random() * 1_000) / this.#options.rate);
    }
    const giveUp = setTimeout(() => {
      device.failures.push(`${device.client.unacked} writes were not answered within ${LAST_WORDS_MS} ms`);
      device.client.close();
    }, LAST_WORDS_MS);
    await Promise.all(open);
    clearTimeout(giveUp);
  }

  /** Resolves with the milliseconds until every device had everything. Throws after `withinMs` (I9). */
  async settle(withinMs = 30_000): Promise<number> {
    const started = performance.now();
    while (!this.#ledger.isCaughtUp()) {
      if (performance.now() - started > withinMs) return withinMs;
      await sleep(SETTLE_POLL_MS);
    }
    return performance.now() - started;
  }

  /** Tells the ledger what each user's device lists and can pull at the end. */
  async inspect(): Promise<void> {
    const firsts = this.devices.filter(({ name }) => name === DEVICES[0]);
    for (let at = 0; at < firsts.length; at += 8)
      await Promise.all(firsts.slice(at, at + 8).map((device) => this.#inspect(device)));
  }

  async #inspect({ client, user }: Device): Promise<void> {
    let page: string | undefined;
    do {
      const synced = await patiently(() => client.list({ page }));
      for (const listed of synced.conversations) {
        if ("left" in listed) continue;
        this.#ledger.listed(user, listed.conversation, listed);
        const events: ChatEvent[] = [];
        let after = listed.first - 1;
        for (let more = true; more;) {
          const pulled = await patiently(() => client.pull(listed.conversation, { after, limit: 200 }));
          events.push(...pulled.events);
          after = events.at(-1)?.seq ?? after;
          more = pulled.more;
        }
        this.#ledger.history(user, listed.conversation, { first: listed.first, head: listed.head, events });
      }
      page = synced.next;
    } while (page !== undefined);
  }

  get failures(): string[] {
    return this.devices.flatMap(({ failures, user, name }) =>
      failures.map((what) => `${user}/${name} ${what}`),
    );
  }

  /** The p-th percentile of the time from a send to its ack, in milliseconds. */
  answeredMs(p: number): number {
    const sorted = this.devices.flatMap(({ answeredMs }) => answeredMs).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? 0;
  }

  leave(): void {
    for (const { client } of this.devices) client.close();
  }
}

/**
 * Repeats a request that is refused for its rate: the end of a test asks for much at once, and a user's
 * limits apply to tests too.
 */
export async function patiently<T>(ask: () => Promise<T>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ChatError) || error.retryAfterMs === undefined || performance.now() > end)
        throw error;
      await sleep(error.retryAfterMs);
    }
  }
}

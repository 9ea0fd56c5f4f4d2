import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import type {
  Preview,
  PushKind,
  PushRegistration,
  PushTarget,
} from "@jichat/protocol/bus/push-registration.ts";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { PushAsk, PushFacts } from "@jichat/presence/push-facts.ts";
import type { LiveDevice } from "./decide.ts";
import type { Provider } from "./provider.ts";

/** A message without its recipients. */
export type Told = Omit<QueuedMessage, "to">;

/** One message of the push queue, which is redelivered until it is acknowledged. */
export interface QueueMessage {
  /** Position in the stream: the same for every delivery. */
  readonly position: number;
  readonly bytes: Uint8Array;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** Messages of the partition that follow. */
  readonly pending: number;
  ack(): void;
  /** Puts the redelivery off: it is being worked on. */
  working(): void;
  /** Asks for a redelivery after `ms`. */
  later(ms: number): void;
}

export interface Queue {
  /**
   * The messages of a partition, without end. `room` resolves when more may come, with how many messages
   * that may be. `heldOf` is the number of messages that the caller has not acknowledged.
   */
  read(
    partition: number,
    room: () => Promise<number>,
    heldOf: () => number,
    signal: AbortSignal,
  ): AsyncIterable<QueueMessage | "idle">;
  /** Adds messages to the queue. A repetition with the same `id` within two minutes is dropped. */
  add(partition: number, message: QueuedMessage, id: string): Promise<void>;
}

/** What is read and noted in Redis. Every method rejects while Redis is not there. */
export interface Notes {
  facts(ask: PushAsk): Promise<PushFacts>;
  note(note: string, seq: number): Promise<void>;
  forget(note: string, seq: number): Promise<void>;
  unread(user: string): Promise<number | undefined>;
}

export interface StoredStandings {
  /** The list entry of a user whose list Redis has lost. `undefined` if nobody knows it now. Never rejects. */
  of(user: string, conversation: string): Promise<ListEntry | undefined>;
}

/** What a message says by now. */
export type Said =
  | { readonly is: "said"; readonly text: string }
  | { readonly is: "recalled" }
  /** Nobody knows it now. */
  | { readonly is: "unknown" };

export interface StoredTexts {
  /** With its latest edit. Never rejects. */
  of(message: Told): Promise<Said>;
}

/** Sessions of a user, as Redis knows them. */
export interface UserSessions {
  readonly user: string;
  readonly connectors: readonly string[];
}

/** Asks connectors. Rejects while one is silent; one that stays so has no live session. */
export interface Activity {
  of(sessions: UserSessions): Promise<readonly LiveDevice[]>;
}

export interface Registrations {
  of(user: string): Promise<readonly PushRegistration[]>;
  /** Removes a device's registration if it still has this target. */
  removeIfStill(user: string, device: string, target: PushTarget): Promise<unknown>;
}

export interface DisplayNames {
  /** `undefined` if the user has none, or if it cannot be read now. */
  of(user: string): Promise<string | undefined>;
}

export interface Providers {
  /** `undefined` while there are no credentials. */
  get(kind: PushKind): Provider | undefined;
}

/** What a notification's words are made of. */
export interface TextOf {
  readonly locale: string;
  readonly preview: Preview;
  /** Display name of the sender, or the id. */
  readonly sender: string;
  /** Name of the group. Absent in a 1-1 conversation, and in a group without a name. */
  readonly group?: string | undefined;
  readonly isDirect: boolean;
  /** Messages that it stands for. */
  readonly count: number;
  readonly isMention: boolean;
  /** The message's text. Absent if it has none. */
  readonly text?: string | undefined;
}

export type Texts = (of: TextOf) => { readonly title: string; readonly text: string };

/** A notification that waits until its provider is up. */
export interface LaterEntry {
  readonly user: string;
  readonly device: string;
  readonly message: Told;
  /** Messages that it stands for. */
  readonly count: number;
}

export interface KeptEntry {
  readonly entry: LaterEntry;
  readonly key: string;
  readonly revision: number;
}

export interface Later {
  /** Keeps the latest message of a device and conversation, and counts those that it stands for. */
  keep(key: string, entry: LaterEntry): Promise<void>;
  /** Those of one partition. */
  entries(partition: number): AsyncIterable<KeptEntry>;
  /** Removes an entry that has not changed since. */
  remove(kept: Pick<KeptEntry, "revision">): Promise<void>;
  /** Number of entries of the whole cluster. */
  count(): Promise<number>;
}

/** A push that a provider refused for good. It has neither text nor token. */
export interface DeadLetter {
  readonly user: string;
  readonly device: string;
  readonly conversation: string;
  readonly seq: number;
  readonly count: number;
  readonly kind: PushKind;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface DeadLetters {
  add(partition: number, letter: DeadLetter): Promise<void>;
}

export interface Log {
  warn(of: object, line: string): void;
  error(of: object, line: string): void;
}

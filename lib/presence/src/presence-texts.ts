import type { HeadBrief, HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { KeptSettings } from "@jichat/protocol/frame/server-frame.ts";

export interface SessionEntry {
  readonly connector: string;
  readonly session: string;
  readonly birth: number;
}

/** What a device showed at its latest hello. Times are milliseconds since 1970. */
export interface Credential {
  readonly tokenId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The revision of the user's credential; absent from tokens of other issuers. */
  readonly revision: number | undefined;
  readonly connectedAt: number;
  /** The application, as its hello said. */
  readonly client: string | undefined;
}

/** A device that is known to have said hello with a credential. */
export interface KnownDevice {
  readonly device: string;
  readonly isConnected: boolean;
  readonly credential: Credential;
}

/**
 * `connectedAt,issuedAt,expiresAt,revision,tokenId,client`: without a space, and with the age first for
 * scripts.
 */
export const credentialText = (credential: Credential): string => {
  const { connectedAt, issuedAt, expiresAt, revision = "", tokenId, client = "" } = credential;
  return [connectedAt, issuedAt, expiresAt, revision, tokenId, encodeURIComponent(client)].join(",");
};

export function readCredential(text: string): Credential {
  const [connectedAt, issuedAt, expiresAt, revision = "", tokenId = "", client = ""] = text.split(",");
  return {
    tokenId,
    issuedAt: Number(issuedAt),
    expiresAt: Number(expiresAt),
    revision: revision === "" ? undefined : Number(revision),
    connectedAt: Number(connectedAt),
    client: client === "" ? undefined : decodeURIComponent(client),
  };
}

export type StoredHead = HeadBrief | HeadEntry;

export const isWhole = (head: StoredHead): head is HeadEntry => "kind" in head;

/** Values of facets are replaced, never changed (`lib/conversation`): each is measured once. */
const facetsLengths = new WeakMap<object, number>();

/** Characters of a head's facets in JSON; 0 where it has none. */
export function facetsLength({ facets }: HeadEntry): number {
  if (facets === undefined) return 0;
  const known = facetsLengths.get(facets);
  if (known !== undefined) return known;
  const { length } = JSON.stringify(facets);
  facetsLengths.set(facets, length);
  return length;
}

/** The text of a brief: `position.ts`. */
export const briefText = ({ position, ts }: HeadBrief): string => `${position}.${ts}`;

export function readBrief(conversation: string, text: string): HeadBrief {
  const [position = 0, ts = 0] = text.split(".").map(Number);
  return { conversation, position, ts };
}

/** A user's list as Redis holds it. */
export interface StoredList {
  /** Name of the data that it was read from. It may be too old for data of another name. */
  readonly run: string;
  /**
   * By partition, the position up to which the list holds all effects. A partition is absent if its owner has
   * not reported since Redis was lost.
   */
  readonly done: ReadonlyMap<number, number>;
  /** True only if the list was rebuilt from storage in this run of Redis. */
  readonly complete: boolean;
  readonly entries: readonly ListEntry[];
  /** One for each of `entries`, whole if they are few; `undefined` if this Redis has none. */
  readonly heads: readonly (StoredHead | undefined)[];
}

/** All or a part of a user's list, as storage knows it. */
export interface ListPart {
  readonly entries: readonly ListEntry[];
  readonly heads: readonly StoredHead[];
  /** Set with the last part: the positions as of which the list was read, by partition. */
  readonly wholeAt?: readonly number[] | undefined;
}

/** Reads a list, or the parts of it that are not read yet. */
export type ReadList = () => Promise<StoredList>;

/**
 * `position first mark markNo left`, and of a member who has settings also `settings left`: the settings in
 * JSON, which has no space, and `left` again. The position is first and `left` is last, since scripts read
 * them there. Builds of level 0 and 1 read the first five words and the last one: to them the settings are
 * not there.
 */
export function entryText({ position, first, mark, markNo, left = 0, settings }: ListEntry): string {
  const text = `${position} ${first} ${mark} ${markNo} ${left}`;
  return settings === undefined ? text : `${text} ${JSON.stringify(settings)} ${left}`;
}

export function readEntry(conversation: string, text: string): ListEntry {
  const [position = "0", first = "0", mark = "0", markNo = "0", left = "0", settings] = text.split(" ");
  return {
    conversation,
    position: Number(position),
    first: Number(first),
    mark: Number(mark),
    markNo: Number(markNo),
    ...(left === "0" ? {} : { left: Number(left) }),
    ...(settings === undefined ? {} : { settings: JSON.parse(settings) as KeptSettings }),
  };
}

/** Parses `connector session birth`. */
export const readSession = (text: string): SessionEntry => {
  const [connector = "", session = "", birth = "0"] = text.split(" ");
  return { connector, session, birth: Number(birth) };
};
